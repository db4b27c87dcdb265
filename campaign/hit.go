package campaign

import (
	"context"
	"fmt"
	"time"
)

// Hit is one request for the pixel or a counted link of a message. Neither the reader's
// network address nor their program is kept: only what they gave away.
type Hit struct {
	Run     RunID
	Contact ContactID // 0: nobody knows whose message it was
	Variant Variant   // of such a message, in an A/B test; that of others is in the ledger
	Link    int       // 0: the pixel, so the message was opened
	At      time.Time
	// Evidence is what the request itself says; what only shows beside other data
	// (TooSoon, AllAtOnce) is found when the hit is recorded.
	Evidence Evidence
}

// Evidence says what made a hit, and how that shows. The numbers are stored: append,
// never renumber.
type Evidence uint8

// The kinds of evidence.
const (
	// ByPerson: nothing speaks against a person.
	ByPerson Evidence = 0
	// ByProxy: a provider's image proxy, which fetches when a person opens the message.
	ByProxy Evidence = 1
	// HeadRequest: a program that asked only whether there is something.
	HeadRequest Evidence = 2
	// PrivacyProxy: loads every image of every message, read or not.
	PrivacyProxy Evidence = 3
	// ScannerAgent: called itself a scanner, a robot or a programming library, or gave no
	// name at all.
	ScannerAgent Evidence = 4
	// ScannerNetwork: came from a network of a filter for mail.
	ScannerNetwork Evidence = 5
	// TooSoon: before the mailbox's server had taken the message, or within
	// TooSoonWithin of that.
	TooSoon Evidence = 6
	// AllAtOnce: AtOnceLinks different links of one message within AtOnceWithin.
	AllAtOnce Evidence = 7
	// Prefetched: the browser said that it loads ahead of any click.
	Prefetched Evidence = 8
)

// The limits of evidence that is a matter of time.
const (
	TooSoonWithin = 5 * time.Second
	AtOnceLinks   = 3
	AtOnceWithin  = 10 * time.Second
)

var evidenceNames = [...]string{
	"nothing speaks against a person",
	"an image proxy of the mailbox provider, when a person opened the message",
	"a HEAD request: a program looked whether the link works",
	"a privacy proxy (Apple Mail), which loads every image whether it is seen or not",
	"called itself a scanner, a robot or a program, or gave no name",
	"the network of a mail filter",
	"before the message had been accepted, or within 5 seconds of that",
	"3 or more links of one message within 10 seconds",
	"the browser loaded it ahead of any click",
}

func (e Evidence) String() string {
	if int(e) < len(evidenceNames) {
		return evidenceNames[e]
	}
	return fmt.Sprintf("evidence(%d)", uint8(e))
}

// Machine reports whether no person made the hit.
func (e Evidence) Machine() bool { return e > ByProxy }

// AnyLink stands for all links of a message together in a HitCount.
const AnyLink = -1

// HitCount is how often a link was followed, or a message opened (link 0), with the same
// evidence.
type HitCount struct {
	Link     int
	Evidence Evidence
	N        int64 // hits
	Nameless int64 // of them, those that name nobody: their lists do not allow it
	// People is how many recipients made them, of those of whom that is known: all
	// persons, those by proxy too, are counted under ByPerson. AnyLink has them only.
	People int64
}

// Link is where a counted link of a run leads.
type Link struct {
	Number int    // from 1
	Target string // as it was written; what differs by recipient stands there as {{ name }}
	// Fixed is how many bytes of Target are the same for everybody: its whole length, or
	// the scheme and host at least.
	Fixed int
}

// Reading is what one recipient did with a link of a run, or with its pixel.
type Reading struct {
	Run             RunID
	Campaign        string
	Link            int    // 0: the message was opened
	Target          string // of the link
	Person, Machine int64  // how often each
	First, Last     time.Time
}

// What says what the recipient did: "opened" or "clicked".
func (r Reading) What() string {
	if r.Link == 0 {
		return "opened"
	}
	return "clicked"
}

// TrackStore keeps what is measured about readers.
type TrackStore interface {
	// SetListTracking says how much may be measured of a list's members. It holds for
	// messages that have not left; ErrNotFound.
	SetListTracking(ctx context.Context, id ListID, t Tracking) (List, error)
	// LinksOf returns the counted links of a run in order of number.
	LinksOf(ctx context.Context, id RunID) ([]Link, error)
	// HitCounts returns a run's kept counts in order of link and evidence.
	HitCounts(ctx context.Context, id RunID) ([]HitCount, error)
	// ReadingsOf returns what a contact opened in some runs, newest run first, its openings
	// before its links; newest 0 is no bound.
	ReadingsOf(ctx context.Context, c ContactID, oldest, newest RunID, limit int) ([]Reading, error)
}
