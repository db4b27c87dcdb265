package campaign

import (
	"context"
	"errors"
	"time"
)

// Errors of the stores. They are wrapped with what was looked for; compare with
// errors.Is.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	// ErrConflict: the thing is not in the state that the change needs.
	ErrConflict = errors.New("not possible in its present state")
)

// ImportRow is one checked and normalised row of a list file.
type ImportRow struct {
	Row        int64  // line or record number in the file, from 1
	Email      string // normalised as Contact.Email
	Attributes []byte // JSON object of the attributes that the row gives
}

// ImportEffect is what an import does with a row.
type ImportEffect uint8

// The effects. The store decides the first five, the reader of the file the others.
const (
	EffectNew          ImportEffect = iota // contact created and subscribed
	EffectUpdated                          // contact known: subscribed, or attributes changed
	EffectUnchanged                        // contact known, subscribed, nothing new
	EffectDuplicate                        // the same address came earlier in this file
	EffectSuppressed                       // on the suppression list: stored, never mailed
	EffectUnsubscribed                     // left this list before: stays so
	EffectInvalid                          // not stored
	EffectErased                           // erased at the person's wish: not stored again
)

// ImportCounts is what an import did, or would do.
type ImportCounts struct {
	New          int64 `json:"new"`
	Updated      int64 `json:"updated"`
	Unchanged    int64 `json:"unchanged"`
	Duplicate    int64 `json:"duplicate"`
	Suppressed   int64 `json:"suppressed"`
	Unsubscribed int64 `json:"unsubscribed"`
}

// Import is the record of a committed import.
type Import struct {
	ID     ImportID
	List   ListID
	File   string
	At     time.Time
	Counts ImportCounts
	Undone bool
}

// ImportTx is an import in progress: all of it happens, or nothing. It is used by
// one goroutine.
type ImportTx interface {
	// Put hands over rows in file order. Their memory is the caller's again when it
	// returns.
	Put(ctx context.Context, rows []ImportRow) error
	// Finish decides every row's effect, calls found (when not nil) for each row
	// whose effect is neither New, Updated nor Unchanged, and commits, or, in a dry
	// run, undoes everything. The id is 0 in a dry run.
	Finish(ctx context.Context, found func(row int64, email string, effect ImportEffect) error) (ImportID, ImportCounts, error)
	// Abort undoes everything; after Finish it does nothing.
	Abort() error
}

// ImportStore keeps contacts, lists and the record of imports.
type ImportStore interface {
	// BeginImport opens an import into a list. On an existing contact the given
	// attributes replace those of the same name, others stay.
	BeginImport(ctx context.Context, list ListID, file string, dryRun bool, now time.Time) (ImportTx, error)
	// UndoImport takes an import back: contacts it created and nothing else uses go,
	// memberships it added go, attributes it changed return unless changed again
	// since. ErrNotFound, or ErrConflict when undone already.
	UndoImport(ctx context.Context, id ImportID) (ImportCounts, error)
	Imports(ctx context.Context, list ListID, before ImportID, limit int) ([]Import, error)

	CreateList(ctx context.Context, name string, now time.Time) (List, error) // ErrExists
	ListByName(ctx context.Context, name string) (List, error)                // ErrNotFound
	Lists(ctx context.Context) ([]List, error)
	// ListContacts pages through a list's members in contact order.
	ListContacts(ctx context.Context, list ListID, after ContactID, limit int) ([]Member, error)
	// Fields are the attribute names that contacts have, in order.
	Fields(ctx context.Context) ([]string, error)
	ContactByEmail(ctx context.Context, email string) (Contact, error) // ErrNotFound

	// Suppress adds entries; those already there stay as they are. It returns how
	// many are new.
	Suppress(ctx context.Context, entries []Suppression) (int64, error)
	// Unsuppress takes off the entry, whatever the list, of an address (and of its
	// hash), a domain or a hash. ErrNotFound
	Unsuppress(ctx context.Context, who string) error
	// Suppressions pages through all entries in order of arrival.
	Suppressions(ctx context.Context, after int64, limit int) ([]Suppression, error)
	// Unsubscribe marks a contact as having left a list (all lists when list is 0).
	Unsubscribe(ctx context.Context, contact ContactID, list ListID, now time.Time) error
}

// Member is a contact in a list.
type Member struct {
	Contact
	Status MemberStatus
}

// Audience is whom a run is for, before its segment is applied.
type Audience struct {
	Lists   []ListID
	Exclude []ListID
	// At is when it is looked at: consents that end by then have lapsed. Zero: none has.
	At time.Time
	// ShowExcluded keeps the members of excluded lists in its pages, marked.
	ShowExcluded bool
}

// AudienceMember is a contact of an audience's lists and not of its excluded ones.
type AudienceMember struct {
	Contact
	// Excluded: a member of an excluded list, where those are shown.
	Excluded bool
	// Lists is how many of the audience's lists the contact is in, or has left.
	Lists int
	// Subscribed: to at least one of the audience's lists.
	Subscribed bool
	// Lapsed: not Subscribed, because the consent to the lists that it joined is over.
	Lapsed bool
	// Suppressed: whatever the list, or on each of the audience's lists that it joined.
	Suppressed bool
}

// NewRecipient is a row to be appended to the ledger by a snapshot: Waiting, or
// Skipped with a reason.
type NewRecipient struct {
	Lane    Lane
	Contact ContactID
	State   State
	Reason  Reason
	Wave    Wave
	// Tested: the run has an A/B test, in which the recipient has a Variant, or none while
	// they wait for its winner.
	Tested  bool
	Variant Variant
}

// FeedRow is a ledger row with what its job needs.
type FeedRow struct {
	Recipient
	State      State
	Attempts   uint16
	Due        time.Time
	FirstTried time.Time
	Resent     bool
	Wave       Wave
	Variant    Variant
	Email      string // "" when the contact was erased
	Attributes []byte
}

// AudienceStore reads audiences.
type AudienceStore interface {
	SegmentReader
	ListFinder
	// AudiencePage returns members with ids above after, in order.
	AudiencePage(ctx context.Context, a Audience, after ContactID, limit int) ([]AudienceMember, error)
	// LastMember returns the highest id in some lists, and how many members they have
	// together, by their kept counts: who is in two of them counts twice.
	LastMember(ctx context.Context, lists []ListID) (last ContactID, members int64, err error)
}

// PlanStore is what the planner needs of the store.
type PlanStore interface {
	AudienceStore
	ABStore
	BrakeStore
	WaveStore
	ListByName(ctx context.Context, name string) (List, error)
	// SelectionOf returns what was frozen for a run; ErrNotFound when nothing was.
	SelectionOf(ctx context.Context, id RunID) (Selection, error)
	// FreezeSelection keeps a run's selection for good and returns it: an earlier one
	// stays.
	FreezeSelection(ctx context.Context, id RunID, s Selection) (Selection, error)
	// OpenRuns returns runs that are scheduled, running or paused, and cancelled ones
	// that still have open recipients, in order of id.
	OpenRuns(ctx context.Context) ([]Run, error)
	// StartRun moves a scheduled run to running; false when it was not scheduled.
	StartRun(ctx context.Context, id RunID, now time.Time) (bool, error)
	// SetRunState moves a run from one of the given states.
	SetRunState(ctx context.Context, id RunID, from []RunState, to RunState, note string, now time.Time) (Run, error)
	// CloseStandingRun has a run take no more messages.
	CloseStandingRun(ctx context.Context, id RunID) error
	// DueRecurrences are those whose next time has come.
	DueRecurrences(ctx context.Context, now time.Time) ([]Recurrence, error)
	// Recur moves a recurrence from what it was read as to its next time, and, when due is
	// not zero, begins a run that was due then, in one transaction. The run is 0 when none
	// was begun: its campaign has an open run, and the note says so. Moved is false when
	// somebody else was faster: nothing was done.
	Recur(ctx context.Context, was, next Recurrence, due, now time.Time) (run RunID, moved bool, err error)
	// StopRecurrence forgets one; ErrNotFound.
	StopRecurrence(ctx context.Context, id CampaignID) error
	// FinishRun moves a running run to finished if its snapshot is done, it takes no
	// messages, and none of its recipients is open, in one transaction; false when not.
	FinishRun(ctx context.Context, id RunID, now time.Time) (bool, error)
	// AppendRecipients appends one page of the snapshot and moves the run's cursor
	// from one contact to another in the same transaction; ErrConflict when the
	// cursor is not at from (another planner was faster).
	AppendRecipients(ctx context.Context, id RunID, from, to ContactID, rows []NewRecipient, done bool) error
	// WaitingAfter returns Waiting rows of a lane with contacts above after, in order.
	WaitingAfter(ctx context.Context, id RunID, lane Lane, after ContactID, limit int) ([]FeedRow, error)
	// DeferredDue returns Deferred rows of a run whose retry was due from a time on and
	// before another, oldest first.
	DeferredDue(ctx context.Context, id RunID, from, before time.Time, limit int) ([]FeedRow, error)
	// CancelOpen makes up to limit open recipients of a cancelled run Cancelled, or
	// Unknown if a copy of theirs may have arrived, and returns how many.
	CancelOpen(ctx context.Context, id RunID, limit int, now time.Time) (int64, error)
	// Checkpoint is the last stream sequence of EVENTS that is applied.
	Checkpoint(ctx context.Context) (uint64, error)
}

// RunStore is what people's commands need of the store.
type RunStore interface {
	ABStore
	CreateCampaign(ctx context.Context, s Spec, now time.Time) (Campaign, error) // ErrExists
	UpdateCampaign(ctx context.Context, id CampaignID, s Spec, now time.Time) (Campaign, error)
	CampaignByName(ctx context.Context, name string) (Campaign, error) // ErrNotFound
	// Campaigns pages through those that are archived, or that are not, newest first;
	// before 0 starts.
	Campaigns(ctx context.Context, archived bool, before CampaignID, limit int) ([]Campaign, error)
	// ArchiveCampaign puts a campaign away, again, or takes it back when at is zero.
	// ErrConflict when it has an open run or is sent again and again; ErrNotFound.
	ArchiveCampaign(ctx context.Context, id CampaignID, at time.Time) (Campaign, error)

	// CreateRun records a run in state running or scheduled; ErrConflict when the
	// campaign has an open run.
	CreateRun(ctx context.Context, c Campaign, state RunState, startAt, now time.Time) (Run, error)
	RunByID(ctx context.Context, id RunID) (Run, error)
	LatestRun(ctx context.Context, c CampaignID) (Run, error) // ErrNotFound
	Runs(ctx context.Context, before RunID, limit int) ([]Run, error)
	// RunsOf pages through a campaign's runs, newest first; before 0 starts.
	RunsOf(ctx context.Context, c CampaignID, before RunID, limit int) ([]Run, error)
	// SetRunState moves a run from one of the given states; resuming (paused →
	// running) increments its epoch. ErrConflict names the state it was in.
	SetRunState(ctx context.Context, id RunID, from []RunState, to RunState, note string, now time.Time) (Run, error)

	// SetRunWeight changes an open run's weight; ErrConflict when it is over.
	SetRunWeight(ctx context.Context, id RunID, weight int) (Run, error)
	// SetRecurrence has a campaign sent again and again, as it stands.
	SetRecurrence(ctx context.Context, c Campaign, next time.Time) (Recurrence, error)
	RecurrenceOf(ctx context.Context, id CampaignID) (Recurrence, error) // ErrNotFound
	// NextTimes returns when those campaigns that repeat, of some, are sent next.
	NextTimes(ctx context.Context, campaigns []CampaignID) (map[CampaignID]time.Time, error)
	Recur(ctx context.Context, was, next Recurrence, due, now time.Time) (run RunID, moved bool, err error)
	StopRecurrence(ctx context.Context, id CampaignID) error // ErrNotFound
	// FastestRun is how many messages a second were accepted in the fastest of the late
	// runs that are large enough to tell; 0 when none is.
	FastestRun(ctx context.Context) (float64, error)
	// SetForecast keeps what was foretold of a run.
	SetForecast(ctx context.Context, id RunID, f Forecast) error

	Counts(ctx context.Context, id RunID) (Counts, error)
	// BrakeOf returns when and why a run's brake was pulled; the zero value when it was
	// not.
	BrakeOf(ctx context.Context, id RunID) (BrakePull, error)
	// WavesOf returns a run's waves; ErrNotFound when none were frozen.
	WavesOf(ctx context.Context, id RunID) (Waves, error)
	// WaveCounts returns how many the snapshot has in each wave so far, by lane and wave.
	WaveCounts(ctx context.Context, id RunID) ([]WaveCount, error)
	// OpenWaves lets a run's waves up to one be fed, and keeps why; false when they may
	// be already.
	OpenWaves(ctx context.Context, id RunID, upTo Wave, why string, now time.Time) (bool, error)
	RunLanes(ctx context.Context, id RunID) ([]LaneCount, error)
	// FeedbackCounts returns what was heard after messages of a run had been accepted.
	FeedbackCounts(ctx context.Context, id RunID) ([]FeedbackCount, error)
	// Recount counts the ledger rows themselves: what Counts must equal.
	Recount(ctx context.Context, id RunID) (Counts, error)
	// Recipients pages through a run's rows in a state, in order of lane and contact;
	// the zero Recipient starts.
	Recipients(ctx context.Context, id RunID, s State, after Recipient, limit int) ([]RecipientRow, error)
	// TopReplies groups a run's rows that are neither accepted nor waiting by state,
	// reason, code and reply, most frequent first.
	TopReplies(ctx context.Context, id RunID, limit int) ([]ReplyCount, error)
	// HistoryOf returns a contact's rows, newest run first, with their attempts, from
	// after a row; the zero Recipient starts. Its Run and Contact count.
	HistoryOf(ctx context.Context, c ContactID, after Recipient, limit int) ([]HistoryRow, error)
}

// RecipientRow is a ledger row with whom it is about.
type RecipientRow struct {
	Row
	Person ContactID // the row's Contact, or whom its message is for; 0 when erased
	Email  string    // "" when erased
}

// ReplyCount is how often a reply ended recipients of a run.
type ReplyCount struct {
	State  State
	Reason Reason
	Code   uint16
	Reply  string
	N      int64
}

// HistoryRow is what one run did about a contact.
type HistoryRow struct {
	Campaign string
	RunState RunState
	Row      Row
	Person   ContactID
	Attempts []Attempt
}
