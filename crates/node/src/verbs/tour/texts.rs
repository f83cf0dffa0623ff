//! What the two offices say, in their languages and in the one between them.

/// What Tokyo says, over and over.
pub const TOKYO: [&str; 10] = [
    "こちら東京。回線の試験を始めます。",
    "公電は不通です。当面この回線を使います。",
    "海警船の件、局長が直接お話ししたいそうです。",
    "Confirmed: our side holds position until 18:00 JST.",
    "漁船の乗組員四名の安否を照会します。",
    "会談の候補日は十二月三日または五日。",
    "第三国の仲介は求めません。",
    "発表文の日本語案を送ります。禁止：引用。",
    "了解。次の連絡は一時間後に。",
    "以上です。どうぞ。",
];

/// What Beijing says, over and over.
pub const BEIJING: [&str; 10] = [
    "这里是北京，收到，声音清楚。",
    "热线电话暂不可用，请使用本通道。",
    "四名船员均安全，正在办理手续。",
    "Understood. We propose no announcement before Thursday.",
    "司长十分钟后到位。",
    "十二月五日可以，地点待定。",
    "请确认贵方舰船的位置。",
    "声明中文稿随后送达。",
    "同意，一小时后再联系。",
    "完毕，请讲。",
];
