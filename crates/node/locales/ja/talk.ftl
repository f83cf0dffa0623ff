# The thread
thread-title = 往復文書
thread-members = 閲覧者：こちらと
thread-empty = まだ何も交わされていません。
thread-older = これより前
thread-newest = 最新へ

# An entry
letter-gap = 書き手が見ていた文面の一部がまだ届いていません。
letter-differs = この発言の前の何かについて、発言者には当方と異なる内容が伝えられています。誰が何を言ったかを確認してください。
letter-expired = 期限切れ。双方から消去されました。
letter-expires = 期限
precedence-flash = 緊急
precedence-immediate = 至急
precedence-priority = 優先
precedence-routine = 通常
file-damaged = 破損しています。送信者の示したハッシュ値と一致しません。
file-pause = ファイルを一時停止
file-resume = ファイルを再開
file-held = 一時停止中
file-progress = ファイルの到着状況
file-save = 保存
act-deferred-own = 受領し、回答を延期しました。期日：
act-withheld-own = 受領しました。回答は意図して差し控えます。
act-deferred-theirs = 先方が受領し、回答を延期しました。期日：
act-withheld-theirs = 先方が受領し、回答を意図して差し控えています。
reply-without = 文面によらない回答
reply-withhold = 受領・回答を差し控える
reply-until = 回答期日
reply-defer = 受領・後日回答

# Delivery
delivery-waits = 双方が合言葉を照合するまでここに保管
delivery-kept = ここに保管
delivery-carried = { $routes ->
    [0] 送信中（現在通じている経路なし）
   *[other] { $routes } 本の経路で送信中
}
delivery-delivered = 先方の卓上
delivery-shown = 先方の担当官に表示済み
delivery-received = 受領
answered-deferred-theirs = 先方は回答を延期。期日：
answered-withheld-theirs = 先方は回答を差し控え
answered-deferred-own = 回答を延期。期日：
answered-withheld-own = 回答を差し控え

# The composer
write-title = 書く
write-readers = { $count ->
    [0] まだ誰も読みません。
   *[other] { $count } 名の担当官が読みます：
}
write-readers-of = { $side } { $count } 名
write-readers-sides = { $sides }の担当官が読みます：
write-unverified = 合言葉の照合が双方で済んでいません。送ったものは照合までここに保管されます。
write-text = 文面
write-hint = ここに書いてください。
write-send = 送る
write-send-keys = Ctrl+Enter で送信。Enter では送信されません。
write-draft = 下書きとして保管
record-legend = 記録
record-off = 記録外：署名も証拠も残りません
record-on = 記録に残す
record-on-asks = （両言語の文面とともに、もう一度確認します）
precedence-legend = 優先度
expiry-legend = 期限
expiry-never = なし
expiry-hour = 1 時間後
expiry-day = 1 日後
expiry-week = 1 週間後
expiry-month = 30 日後
attach-title = ファイルを送る
attach-hint = ファイルは文面の後に送られます。
attach-file = ファイル
attach-send = ファイルを送る
flash-title = 緊急で送りますか
flash-means = 緊急はすべてに先立って送られ、先方を呼び出します。読む人：
flash-send = 緊急で送る
flash-back = 下書きに戻す

# Conversations
conversation-open = 協議を始める
conversation-open-means = 一つの議題、一つの区分で行います。参加者は固定です。別の顔ぶれで続けるときは、これを引き継ぐ協議を新たに始めます。参加しない人には何も伝わりません。
conversation-subject = 議題
conversation-members = 参加者
conversation-expiry = 文面の消去
conversation-after = 引き継ぐ協議
conversation-after-none = なし
conversation-open-go = 始める
conversation-draft = 下書き：
conversation-continues = 引き継ぎ元：
conversation-continued = 引き継ぎ先：
conversation-continue = 別の顔ぶれで続ける
talks-all = すべての協議と新規
talks-more = さらに前の協議
marking-legend = 区分
marking-agreed = 協議と同じ（{ $marking }）
marking-none = 区分なし
marking-clear = 制限なし
marking-green = 関係者の範囲
marking-amber = 組織内と、知る必要のある関係先
marking-amber-strict = 組織内のみ
marking-red = ここで読む人のみ
language-legend = 言語
language-seen = 文字から判断
expiry-agreed = 協議と同じ

# Replies, versions, layers
reply = 返信
reply-to = 返信先：
quote-differs = この語句は返信先の本文にありません。
reply-drop = 返信にしない
quote-legend = 引用する語句（空でも可）
more = 詳細
layer-original = 原文：
layer-translation = 訳文：
layer-by = 訳者：
rendering-official = 公式
rendering-unofficial = 仮訳
rendering-machine = 機械翻訳
version-is = 第 { $number } 版（{ $time } 改版）、以前の版
letter-withdrawn = 書き手が撤回しました。
act-edit = 改版：
act-withdraw = 撤回：
act-translate = 訳文の追加：

# Kinds of entries
kind-note = 文面
kind-file = ファイル
kind-answer = 文面によらない回答
kind-withheld = 回答の差し控え
kind-deferred = 回答の延期
kind-conversation = 協議の開始
kind-edit = 改版
kind-withdrawal = 撤回
kind-translation = 訳文
kind-statement = 声明（記録に残る）
kind-countersignature = 副署（記録に残る）
kind-meeting = 会合
kind-case = 事案
kind-report = 報告
kind-swap = 同時交換
kind-announcement = 発表

# One entry
entry-title = 文面の詳細
entry-named = 第 { $entry } 号
entry-about = その後のこと
edit-title = 改版する
edit-means = 以後は新しい文面が有効です。以前の版も残り、双方が読めます。
edit-go = 新しい版を送る
withdraw-title = 撤回する
withdraw-means = 文面は双方の画面に表示されなくなります。書いた事実は残り、先方がすでに読んでいることもあります。
withdraw-go = 撤回する
translate-title = 訳文を添える
translate-means = 有効なのは原文です。訳文は、種別を付して双方の画面で原文に並べて表示されます。
translate-into = 訳文の言語
translate-rendering = 訳文の種別
translate-by = 訳者
translate-go = 訳文を送る

# Two persons
release-title = 決裁待ち
release-lead = この職では二人で発信します。一人が起案したものを、別の一人が決裁し、または差し戻します。それまで何も送られません。
release-off = この職は一人で発信できます。二人にするには：couloir release add 名前
release-none = 決裁を待つものはありません。
release-kept = 起案 { $number } は別の一人の決裁を待っています。
release-as = { $person } として入っています。ここで送ったものは、別の一人が決裁するまで待ちます。
release-nobody = このページはあなたが誰かを知らないため、書いたものを送れません。名前を示して入り直してください：
release-draft = 起案 { $number }（{ $person }）
release-to = 読む人：
release-about = 対象：
release-all = 送られる内容のすべて
release-go = 決裁する（直ちに送られます）
release-go-asks = 決裁する…
release-refuse = 差し戻す
release-refused = { $person } が差し戻しました。
release-another = あなたの起案です。別の一人が決裁します。
release-drop = 破棄する
release-sure = 決裁しますか
release-flash = 緊急はすべてに先立って送られ、先方を呼び出します。
release-waiting = 決裁を待つ起案が { $count } 件あります。

# Files: what is said before they go
attach-strip = 画像（JPEG・PNG）のメタデータを除く：撮影者、日時、場所、機器
attach-can = このファイルのメタデータは除かれます。
attach-cannot = この種類のファイルのメタデータは除けません。そのまま送られます。
attach-taken-out = 送りました。メタデータは除きました。
attach-not-taken-out = 送りました。この種類のファイルのメタデータは除けないため、そのまま送りました。
attach-stays = メタデータを含めてそのまま送りました。
attach-no-route = 現在通じている経路がありません。通じるまでここで待ちます。
attach-routes = どの経路でも 1 GiB まで送れます。すべての経路に同時に載り、文面の後になります。一本の経路だけでかかる時間の目安：
attach-route = 経路
attach-this = このファイル
attach-prompt = 回線の速さによる
span-seconds = 約 { $n } 秒
span-minutes = 約 { $n } 分
span-hours = 約 { $n } 時間
span-days = 約 { $n } 日

# What is taken out as a file
take-calendar = 予定表へ…
take-calendar-means = 予定表は電話機やその提供者にも複製されます。内容なしでは日時だけが入ります。
take-calendar-bare = 内容なし
take-calendar-full = 内容あり
take-calendar-name = 会合
take-record = 記録を書き出す…
take-record-means = 証拠は、双方の署名簿（signet）があれば誰でも検証できるファイルです。PDF は人が読むためのもので、証拠を内に含みます。
take-record-evidence = 証拠
take-record-pdf = PDF
take-record-name = 記録
take-report = ファイルに書き出す…
take-report-means = 渡す先より厳しい表示のものは書き出せません。先方が共有したものであれば、誰に渡すかがまず先方に伝えられます。
take-report-go = 書き出す
take-report-name = 報告
take-to = 渡す相手
take-level = 渡す先で持てるのはここまで
take-choose = 選んでください

# Who holds a post
holders-title = 職の担当者
holders-lead = 担当者は、その側の署名簿（signet）のもとで役員が認証します。ほかの署名簿による認証は受け付けません。
holders-first = 回線の合意時
holders-same = 同じ署名簿による認証
holders-nobody = 氏名なし
holders-signet = この側の署名簿の冒頭：
