# The frame
skip = To the content
ways = Pages
posture-standby = Standby
posture-active = Active
own-here = You are at the desk
own-away = You are away
own-leave = Leave the desk
own-come = Be at the desk
peers-none = Nobody yet: first contact is not complete.
as-of = As of { $time }
stale = This page no longer hears the node. What it shows is as of { $time }.
lock = Lock
leave = Leave this browser’s session
palette = Go to …
to-desk = To the desk
something-new = Couloir: something new
written-on = Without scripts this page cannot lock by itself while you write. Lock it when you leave.
list-comma = ,{" "}

# Doors
door-open = Open this page anew. On the machine of the node, type:
door-twice = This link was used before, and the session it opened was ended. If that was not you, tell the node’s operator. To come in, type on the machine of the node:
door-in = You are in
door-locked = Locked
door-draft-kept = What you were writing is kept as a draft.
door-passphrase = The home’s passphrase
door-passphrase-own = Your own passphrase
door-unlock = Unlock
no-page = There is no such page

# What was not done
failed-title = Not done
failed-machine = The machine, a file or a folder stood in the way.
failed-usage = What was sent makes no sense as it is.
failed-refused = It is not permitted, or not permitted yet.
failed-reach = The other side is out of reach on every route.
failed-degraded = It works, and something needs attention.
failed-integrity = A signature, a hash or what is stored is not what it must be.
failed-later = Not now. The same may work later.

# First glance
desk-title = Desk
since = since { $time }
posture-standby-means = The official line works. This channel stands ready.
posture-standby-unsaid = Nobody has said that the official line is down. This channel stands ready.
posture-active-means = The official line is down for one of the sides. This channel is in use.
official-own = Official line, as we see it
official-theirs = as they see it
official-unknown = not known
official-up = works
official-down = down
official-say = Say how the official line is
official-why = What you know of it (one sentence; the node keeps it)
official-say-down = It is down
official-say-up = It works
official-by-person = said by the officer
peers-title = The other side
peer-unverified = The phrase has not been compared by both desks yet. Compare it.
link-alive = Link alive
link-silent = Silent, cause unknown
link-frozen = Link frozen
link-revoked = Their node was revoked
link-alive-means = Their node answers, and hears us.
link-deaf-means = Their node is heard, but does not hear us.
link-silent-means = Nothing came. It may be their machine, the routes, or both. What you write waits and goes on leaving.
link-frozen-means = Something contradicts itself. Call them, then let the operator settle it: couloir doctor.
link-revoked-means = Its own side’s officers revoked this desk’s node: nothing goes to it any more. What you write waits here until they certify another node for the desk.
desk-here = At the desk
desk-away = Away from the desk
desk-unknown = Desk not known
desk-here-means = An officer is there.
desk-away-means = Nobody is there now. What you write lies ready for them.
desk-unknown-means = Only a link that is alive can tell.
desk-unsaid-means = They have not said whether somebody is there.
answer-none = No answer
answer-none-means = They have what you wrote, and have not answered it.
answer-nothing-open = No answer outstanding
answer-nothing-open-means = They owe you nothing that you asked for.
owed-title = Needs an answer from you
owed-none = Nothing waits for you.
owed-until = deferred until
talks-title = Conversations
talks-unread = { $count } unread
told-title = What the node reports
told-none = Nothing to report.
told-store-failed = { $why }: nothing new is kept or sent until the store works again, and nothing is lost. Look after the disk.
told-store-works = The store works again.
told-link-twice = A link to this page was used a second time, and was refused. The session it had opened was ended. Somebody may have seen the link.
told-wrong-passphrase = A wrong passphrase was tried at a locked page of this node.
put-away = Put away

# Notices of the node
notice-of = { $peer }: { $what }
notice-joined = First contact is complete. Compare the phrase.
notice-introduced = A further post joins the channel: { $what }. Compare its phrase.
notice-invitation-void = A second, different answer came to our invitation: somebody else has the file. Verify only if the phrase is the same at both desks.
notice-restarted = Their machine lost its state, and the link was made anew. Nothing said is lost.
notice-rolled-back = This node’s state is older than what the other side has. The link is being made anew.
notice-two-nodes = Two nodes claim the other desk’s post. The link is frozen until it is settled: couloir doctor --settle this.
notice-frozen-there = The other desk has frozen the link: it sees two nodes that claim our post. Stop one, then call them.
notice-contradiction = The other side’s node contradicted itself. The link is frozen. Call them.
notice-second-self = Another machine writes with this node’s identity, or this disk was put back and the clock is behind.
notice-store-damaged = The store lacks something that was said. Restore the newest backup.
notice-clock-wrong = This machine’s clock is wrong by { $what } s. Set it.
notice-clocks-differ = This node’s clock and theirs are { $what } s apart. Check both.
notice-slot-taken = Route { $what } is paused: another cell lies in our slot.
notice-active = Active: the official line is down since { $what }.
notice-standby = Standby: the official line works again since { $what }.
notice-drill-answered = The line was tested: answered after { $what } ms.
notice-drill-missed = The line was tested: no answer.
notice-paper-refused = A paper of the other side’s was refused: { $what }
notice-amendment-waits = A charter amendment waits for our officers: couloir charter sign { $what }
notice-amendment-withdrawn = The charter amendment { $what } was taken back, or another one goes before it.
notice-amended = Charter version { $what } is in force.
notice-revoked = Node { $what } was revoked.
notice-replaced = Our officers certified node { $what } for this post. This one has handed everything over and ends.
notice-succession = The post is now held by { $what }. The side's officers certified it under the same signet.
notice-file-whole = A file has come whole.
notice-file-damaged = A file is damaged: its hash is not what its author said.

# Routes
routes-title = Routes
routes-table = Each way of this route
routes-all-work = { $works ->
    [one] The route works.
   *[other] All { $works } routes work.
}
routes-some-work = { $works } of { $all } routes work. One is enough: everything leaves on all of them.
routes-none-work = No route works now. What you write waits, and leaves as soon as one does.
route-way = Way
route-strip = Last 24 hours
route-last = Last cell
route-delay = Delay
route-losses = Lost
route-out = Out
route-in = In
route-lost = { $lost } of 128
route-searching = making up for an absence
route-new = not tried yet
route-working = works
route-out-only = out only: nothing comes back
route-down = nothing answers
route-paused = paused: another cell lies in our slot
route-retired = retired
trouble-unreachable = nothing answers in time
trouble-certificate = another certificate than the charter’s
trouble-malformed = it answers something that is no answer
trouble-full = no space left there
trouble-forbidden = we may not read or write there
trouble-missing = the folder is not there
trouble-late = this machine was too late
mark-unseen = not looked at
mark-works = works
mark-lossy = cells lost
mark-silent = silent
drills-title = Drills
drill-word = Drill
drills-means = Every hour the nodes test the line by themselves. A drill is never a message.
drill-now = Test the line now
drill-answered = answered after { $after }
drill-missed = no answer
drills-none = None since this node started.

# Verification
phrase-title = Verification
phrase-none = There is no phrase yet: let both nodes run until first contact is complete.
phrase-how = Read the symbols to each other, in person or by a voice that you know, in either language. All seven must be the same, in the same order.
phrase-neither = Not compared yet. Until both desks have compared it, nothing you write leaves.
phrase-here = You said that it is the same. The other desk has not said so yet.
phrase-there = The other desk said that it is the same. It waits for you.
phrase-both = Both desks said that it is the same.
phrase-digits = The same, as digits
phrase-code = The same, as a code
verdict-title = Are they the same?
verdict-hint = Press only after you have heard all seven from the other desk.
verdict-same = They are the same
verdict-differ = They differ
differ-title = They differ
differ-means = Somebody may sit between the two nodes. Nothing has been confirmed, and nothing you write leaves.
differ-step-stop = Do not confirm, and ask the other desk not to either.
differ-step-again = Read all seven again, slowly: a misread symbol is the likeliest cause.
differ-step-new = If they still differ, both begin anew in other homes, with an invitation carried by hand: couloir init.
differ-step-report = Tell your operator how the invitation travelled, and who could have had it.
differ-back = Back to the symbols

# Search
search-title = Search
search-label = Text to look for
search-hint = one character is enough
search-go = Search
search-found = { $count ->
    [0] Nothing found.
    [one] One entry.
   *[other] { $count } entries.
}
search-filters = Filters
search-any = anybody or anything
search-by = Said by
search-kind = Kind
search-conversation = Conversation
search-from = From
search-until = Until
search-case = Case (its number, such as 12A)
search-behind = { $count } older entries are not indexed yet. Look again later.
search-older = Look further back

# Settings
settings-title = Settings
settings-own = This desk
settings-theirs = The other desk
settings-language = Language of this page
settings-browser = as the browser is
settings-guess = by its characters
settings-their-language = Language they write in
settings-theme = Appearance
settings-calendar = Calendar
settings-zone = Time zone
settings-keys = Single keys
settings-notify = Let the browser say that something new came
settings-sound = Let me hear that something new came
settings-notify-means = Neither says what came or from whom. Flash and immediate sound different from everything else; a drill makes no sound.
settings-tune-other = everything else
settings-keep = Keep
theme-auto = as the machine is
theme-light = light
theme-dark = dark
calendar-gregorian = Gregorian (2026)
calendar-japanese = Japanese (Reiwa 8)
calendar-chinese = Chinese lunar
keys-on = on
keys-off = off

# Keys and guide
keys-title = Keys
keys-hint = Keys without Ctrl can be turned off:
keys-key = Key
keys-what = What it does
key-send = Send what is written
key-enter = A new line; it never sends
key-palette = Go anywhere by a few letters
key-help = These keys
key-search = Search
key-write = Write
key-next = Next entry
key-previous = Previous entry
key-reply = Reply to the entry that is chosen
key-originals = Originals alone, or with their translations
key-escape = Close what is open
guide-title = Guide
