# The thread
thread-title = Correspondence
thread-members = Read by you and
thread-empty = Nothing was said yet.
thread-older = Earlier entries
thread-newest = To the newest entries

# An entry
letter-gap = Something that the author had seen before writing this is not here yet.
letter-differs = The author of this was told something before it in other words than this desk. Ask who said what.
letter-expired = Expired: both sides have forgotten it.
letter-expires = expires
precedence-flash = Flash
precedence-immediate = Immediate
precedence-priority = Priority
precedence-routine = Routine
file-damaged = Damaged: its hash is not what its author said
file-pause = Pause files
file-resume = Let files go on
file-held = paused
file-progress = How much of the file has come
file-save = Save
act-deferred-own = You received it, and deferred the answer until
act-withheld-own = You received it, and deliberately give no answer.
act-deferred-theirs = Received; they deferred the answer until
act-withheld-theirs = Received; they deliberately give no answer.
reply-without = Answer without an answer
reply-withhold = Received, no answer
reply-until = Answer by
reply-defer = Received, answer later

# Delivery
delivery-waits = Kept here until both desks have compared the phrase
delivery-kept = Kept here
delivery-carried = { $routes ->
    [0] On its way; no route works at the moment
    [one] On its way by one route
   *[other] On its way by { $routes } routes
}
delivery-delivered = With their desk
delivery-shown = Shown to their officer
delivery-received = Received
answered-deferred-theirs = They deferred the answer until
answered-withheld-theirs = They withhold an answer
answered-deferred-own = You deferred the answer until
answered-withheld-own = You withhold an answer

# The composer
write-title = Write
write-readers = { $count ->
    [0] Nobody will read this yet.
    [one] One officer will read this:
   *[other] { $count } officers will read this:
}
write-readers-of = { $count ->
    [one] 1 officer of { $side }
   *[other] { $count } officers of { $side }
}
write-readers-sides = Will be read by { $sides }:
write-unverified = The phrase has not been compared by both desks. What you send is kept here until it has.
write-text = What you write
write-hint = Write here.
write-send = Send
write-send-keys = Ctrl+Enter sends; Enter never does.
write-draft = Keep as draft
record-legend = Record
record-off = Off the record: no signature, no proof
record-on = On the record
record-on-asks = (asks again, with both languages)
precedence-legend = Precedence
expiry-legend = Expires
expiry-never = never
expiry-hour = after an hour
expiry-day = after a day
expiry-week = after a week
expiry-month = after 30 days
attach-title = Send a file
attach-hint = Files travel behind everything that is written.
attach-file = File
attach-send = Send the file
flash-title = Send as flash?
flash-means = Flash goes before everything else and calls whoever is there. It will be read by:
flash-send = Send as flash
flash-back = Keep as draft instead

# Conversations
conversation-open = Open a conversation
conversation-open-means = Under one subject and one marking. Who takes part is fixed: for other people, open another conversation that continues this one. Whoever does not take part learns nothing of it.
conversation-subject = Subject
conversation-members = With
conversation-expiry = What is said in it is forgotten
conversation-after = Continues
conversation-after-none = nothing earlier
conversation-open-go = Open it
conversation-draft = Draft:
conversation-continues = Continues
conversation-continued = Is continued in
conversation-continue = Continue it among others
talks-all = All conversations, and opening another
talks-more = Further conversations
marking-legend = Marking
marking-agreed = as the conversation ({ $marking })
marking-none = not marked
marking-clear = to anybody
marking-green = within the community
marking-amber = to the organisation and its clients who must know
marking-amber-strict = within the organisation alone
marking-red = for those who read it here alone
language-legend = Language
language-seen = by its characters
expiry-agreed = as the conversation

# Replies, versions, layers
reply = Reply
reply-to = Answers
quote-differs = These words are not in the entry that is answered.
reply-drop = Not as a reply
quote-legend = Words that you answer (may be empty)
more = Details
layer-original = Original:
layer-translation = Translation:
layer-by = Translated by
rendering-official = official
rendering-unofficial = unofficial
rendering-machine = by a machine
version-is = Version { $number }, changed { $time }; earlier ones
letter-withdrawn = Taken back by its author.
act-edit = New version of
act-withdraw = Took back
act-translate = Translation of

# Kinds of entries
kind-note = Note
kind-file = File
kind-answer = Answer without an answer
kind-withheld = Answer withheld
kind-deferred = Answer deferred
kind-conversation = Conversation opened
kind-edit = New version
kind-withdrawal = Taken back
kind-translation = Translation
kind-statement = Statement, on the record
kind-countersignature = Countersignature, on the record
kind-meeting = Meeting
kind-case = Case
kind-report = Report
kind-swap = Simultaneous exchange
kind-announcement = Announcement

# One entry
entry-title = Entry
entry-named = Entry { $entry }
entry-about = Said of it later
edit-title = Give it a new version
edit-means = The new text counts from now on. The earlier ones remain, and both desks can read them.
edit-go = Send the new version
withdraw-title = Take it back
withdraw-means = The text is then no longer shown at either desk. That it was said stays visible, and they may have read it already.
withdraw-go = Take it back
translate-title = Lay a translation over it
translate-means = The original stays what counts. Both desks see the translation beside it, with its label.
translate-into = Into
translate-rendering = How far it can be relied upon
translate-by = Who translated
translate-go = Send the translation

# Two persons
release-title = To release
release-lead = At this post two persons speak: what one drafted, another releases or refuses. Until then nothing of it leaves.
release-off = One person is enough at this post. To have two: couloir release add NAME
release-none = Nothing waits.
release-kept = Draft { $number } waits for another person.
release-as = You are { $person }. What you send here waits until another person releases it.
release-nobody = This page does not know who you are, so that nothing you write can be sent. Come in by name:
release-draft = Draft { $number }, by { $person }
release-to = To be read by:
release-about = about
release-all = All of it, as it would travel
release-go = Release: it leaves now
release-go-asks = Release …
release-refuse = Refuse
release-refused = Refused by { $person }.
release-another = You drafted it: another person releases it.
release-drop = Throw it away
release-sure = Release it?
release-flash = Flash goes before everything else and calls whoever is there.
release-waiting = { $count ->
    [one] One draft waits for release.
   *[other] { $count } drafts wait for release.
}

# Files: what is said before they go
attach-strip = Take metadata out of pictures (JPEG, PNG): who took them, when, where and with what
attach-can = Metadata will be taken out of this file.
attach-cannot = Metadata cannot be taken out of this kind of file: it goes as it is.
attach-taken-out = Sent. Its metadata was taken out.
attach-not-taken-out = Sent. Metadata cannot be taken out of this kind of file: it went as it is.
attach-stays = Sent as it is, with its metadata.
attach-no-route = No route works now: the file waits here until one does.
attach-routes = Every route takes files up to 1 GiB. They go on all routes at once, behind everything that is written; alone on a route a file takes about:
attach-route = Route
attach-this = this file
attach-prompt = as fast as the connection is
span-seconds = { $n } s
span-minutes = { $n } min
span-hours = { $n } h
span-days = { $n } days

# What is taken out as a file
take-calendar = For a calendar …
take-calendar-means = Calendars are copied to telephones and to whoever serves them. Without contents it says only when.
take-calendar-bare = Without contents
take-calendar-full = With contents
take-calendar-name = meeting
take-record = Take the record out …
take-record-means = The evidence is a file that anybody can check with the sides’ signets. The PDF is for people; the evidence lies inside it.
take-record-evidence = Evidence
take-record-pdf = PDF
take-record-name = record
take-report = Write it into a file …
take-report-means = What is marked more strictly than where it goes does not go. If the other side shared it, that side is told first, to whom it went.
take-report-go = Write the file
take-report-name = report
take-to = To whom it goes
take-level = At most this may be held where it goes
take-choose = choose

# Who holds a post
holders-title = Who holds the posts
holders-lead = Each holder is certified by officers of the side, under its signet. A certificate of any other signet is refused.
holders-first = when the channel was agreed
holders-same = certified under the same signet
holders-nobody = nobody named
holders-signet = The side’s signet begins:
