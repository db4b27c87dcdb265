package campaign

import "time"

// Job is one recipient's work on the queue: all a sender needs besides the run's
// compiled message, so that sending reads no SQL per message.
type Job struct {
	Recipient
	Attempt    uint16
	Express    bool
	Email      string
	Attributes []byte    // the contact's JSON object at planning time
	FirstTried time.Time // zero on the first attempt; the give-up age counts from it
	// Resent is carried by a retry whose earlier attempt may have been accepted.
	Resent bool
	// Variant is the recipient's in an A/B test, NoVariant in a run without one, and of
	// those who get its winner: see Run.SpecFor.
	Variant Variant
}
