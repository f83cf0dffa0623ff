# The thread
thread-title = 往来函件
thread-members = 阅读者：您与
thread-empty = 尚无往来。
thread-older = 更早的内容
thread-newest = 回到最新

# An entry
letter-gap = 书写者此前看到的内容尚未送达本处。
letter-differs = 此前某条内容，对方收到的文字与本席不同。请核实谁说了什么。
letter-expired = 已到期，双方均已删除。
letter-expires = 到期
precedence-flash = 特急
precedence-immediate = 加急
precedence-priority = 优先
precedence-routine = 普通
file-damaged = 文件已损坏：哈希值与发送者给出的不符。
file-pause = 暂停文件
file-resume = 继续发送文件
file-held = 已暂停
file-progress = 文件到达的进度
file-save = 保存
act-deferred-own = 您已收悉，推迟答复至
act-withheld-own = 您已收悉，有意不予答复。
act-deferred-theirs = 对方已收悉，推迟答复至
act-withheld-theirs = 对方已收悉，有意不予答复。
reply-without = 不以文字答复
reply-withhold = 已收悉，不予答复
reply-until = 答复期限
reply-defer = 已收悉，稍后答复

# Delivery
delivery-waits = 保存于此，待双方核对暗语
delivery-kept = 已保存于此
delivery-carried = { $routes ->
    [0] 发送中，目前没有畅通的线路
   *[other] 正经 { $routes } 条线路发送
}
delivery-delivered = 已到对方案头
delivery-shown = 已向对方官员显示
delivery-received = 已收到
answered-deferred-theirs = 对方推迟答复至
answered-withheld-theirs = 对方不予答复
answered-deferred-own = 您推迟答复至
answered-withheld-own = 您不予答复

# The composer
write-title = 书写
write-readers = { $count ->
    [0] 目前无人会读到。
   *[other] { $count } 名官员将读到：
}
write-readers-of = { $side }的 { $count } 名官员
write-readers-sides = 将由{ $sides }阅读：
write-unverified = 双方尚未核对暗语。您发送的内容保存于此，核对后发出。
write-text = 内容
write-hint = 在此书写。
write-send = 发送
write-send-keys = Ctrl+Enter 发送；Enter 绝不发送。
write-draft = 存为草稿
record-legend = 记录
record-off = 不作记录：无签名，无凭据
record-on = 载入记录
record-on-asks = （连同双语文本再次确认）
precedence-legend = 缓急
expiry-legend = 到期
expiry-never = 不到期
expiry-hour = 1 小时后
expiry-day = 1 天后
expiry-week = 1 周后
expiry-month = 30 天后
attach-title = 发送文件
attach-hint = 文件在文字之后发送。
attach-file = 文件
attach-send = 发送文件
flash-title = 以特急发送？
flash-means = 特急先于一切，并会呼叫在场的人。阅读者：
flash-send = 以特急发送
flash-back = 改存为草稿

# Conversations
conversation-open = 开启会谈
conversation-open-means = 一个议题，一种标记。参加者固定不变；如需换人，请另开一个承接本会谈的会谈。不参加者对此一无所知。
conversation-subject = 议题
conversation-members = 参加者
conversation-expiry = 内容删除
conversation-after = 承接
conversation-after-none = 不承接
conversation-open-go = 开启
conversation-draft = 草稿：
conversation-continues = 承接自：
conversation-continued = 后续会谈：
conversation-continue = 换人继续
talks-all = 全部会谈，及开启新会谈
talks-more = 更早的会谈
marking-legend = 标记
marking-agreed = 与会谈相同（{ $marking }）
marking-none = 无标记
marking-clear = 不限
marking-green = 限于业内
marking-amber = 限于本机构及须知悉的相关方
marking-amber-strict = 仅限本机构
marking-red = 仅限在此阅读者
language-legend = 语言
language-seen = 按字符判断
expiry-agreed = 与会谈相同

# Replies, versions, layers
reply = 回复
reply-to = 回复：
quote-differs = 所回复的内容中没有这些字句。
reply-drop = 不作为回复
quote-legend = 所引原文（可不填）
more = 详情
layer-original = 原文：
layer-translation = 译文：
layer-by = 译者：
rendering-official = 正式
rendering-unofficial = 非正式
rendering-machine = 机器翻译
version-is = 第 { $number } 版（{ $time } 修改），此前各版
letter-withdrawn = 作者已撤回。
act-edit = 修改：
act-withdraw = 撤回：
act-translate = 附译文：

# Kinds of entries
kind-note = 函件
kind-file = 文件
kind-answer = 不以文字答复
kind-withheld = 不予答复
kind-deferred = 推迟答复
kind-conversation = 开启会谈
kind-edit = 修改
kind-withdrawal = 撤回
kind-translation = 译文
kind-statement = 声明（载入记录）
kind-countersignature = 副署（载入记录）
kind-meeting = 会晤
kind-case = 个案
kind-report = 通报
kind-swap = 同时交换
kind-announcement = 公布

# One entry
entry-title = 内容详情
entry-named = 第 { $entry } 号
entry-about = 此后情况
edit-title = 修改
edit-means = 此后以新文本为准。此前各版保留，双方均可阅读。
edit-go = 发送新版
withdraw-title = 撤回
withdraw-means = 双方页面不再显示其文字。曾经写过一事仍然可见，对方可能已经读过。
withdraw-go = 撤回
translate-title = 附加译文
translate-means = 以原文为准。译文带有标签，在双方页面上与原文并列。
translate-into = 译成
translate-rendering = 译文性质
translate-by = 译者
translate-go = 发送译文

# Two persons
release-title = 待签发
release-lead = 本职位由两人发言：一人起草，另一人签发或退回。在此之前，任何内容都不会发出。
release-off = 本职位一人即可发言。如需两人：couloir release add 姓名
release-none = 没有待签发的内容。
release-kept = 草稿 { $number } 正等待另一人签发。
release-as = 您以 { $person } 的身份进入。您在此发送的内容须等另一人签发。
release-nobody = 本页不知道您是谁，您所写的无法发送。请报上姓名重新进入：
release-draft = 草稿 { $number }，{ $person } 起草
release-to = 阅读者：
release-about = 针对
release-all = 将发出的全部内容
release-go = 签发：立即发出
release-go-asks = 签发……
release-refuse = 退回
release-refused = { $person } 已退回。
release-another = 这是您起草的，由另一人签发。
release-drop = 丢弃
release-sure = 确定签发？
release-flash = 特急先于一切，并会呼叫在场的人。
release-waiting = 有 { $count } 份草稿等待签发。

# Files: what is said before they go
attach-strip = 去除图片（JPEG、PNG）的元数据：拍摄者、时间、地点、设备
attach-can = 此文件的元数据将被去除。
attach-cannot = 此类文件的元数据无法去除，将原样发送。
attach-taken-out = 已发送。元数据已去除。
attach-not-taken-out = 已发送。此类文件的元数据无法去除，已原样发送。
attach-stays = 已连同元数据原样发送。
attach-no-route = 目前没有畅通的线路，文件在此等候。
attach-routes = 每条线路都可发送 1 GiB 以内的文件；所有线路同时发送，排在文字之后。只用一条线路大约需要：
attach-route = 线路
attach-this = 此文件
attach-prompt = 视连接速度而定
span-seconds = 约 { $n } 秒
span-minutes = 约 { $n } 分钟
span-hours = 约 { $n } 小时
span-days = 约 { $n } 天

# What is taken out as a file
take-calendar = 写入日历……
take-calendar-means = 日历会复制到手机以及提供日历服务者处。不含内容时只写明时间。
take-calendar-bare = 不含内容
take-calendar-full = 含内容
take-calendar-name = 会晤
take-record = 导出记录……
take-record-means = 凭据是一个文件，任何人凭双方签名册（signet）即可核验。PDF 供人阅读，其中含有凭据。
take-record-evidence = 凭据
take-record-pdf = PDF
take-record-name = 记录
take-report = 导出为文件……
take-report-means = 标记比去处更严的不会导出。若由对方共享，会先告知对方交给了谁。
take-report-go = 导出
take-report-name = 通报
take-to = 交给谁
take-level = 去处最多可持有
take-choose = 请选择

# Who holds a post
holders-title = 各职位的担任者
holders-lead = 担任者由该方官员在其签名册（signet）之下认证。其他签名册的认证一律不予接受。
holders-first = 线路商定之时
holders-same = 由同一签名册认证
holders-nobody = 未具姓名
holders-signet = 该方签名册的开头：
