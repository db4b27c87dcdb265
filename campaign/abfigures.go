package campaign

// VariantFigures is what became of those who got a variant; NoVariant is of those who wait
// or waited for the winner.
type VariantFigures struct {
	Variant Variant
	Counts  Counts // of the ledger
	Opens   VariantReaders
	Clicks  VariantReaders
	// What was heard after messages had been accepted.
	Returned     int64 // bounces that came later
	Complaints   int64
	Unsubscribed int64 // by the message's own link
}

// VariantReaders is how often a variant's messages were opened, or any of their links
// followed.
type VariantReaders struct {
	ReaderCount
}

// Readers is what a test is decided by: each person who is known once, and what is done
// by those who are not known every time.
func (r VariantReaders) Readers() int64 { return r.People + r.Nameless }

// Hear adds feedback.
func (f *VariantFigures) Hear(kind FeedbackKind, n int64) {
	switch kind {
	case Complaint:
		f.Complaints += n
	case Unsubscription:
		f.Unsubscribed += n
	default:
		f.Returned += n
	}
}

// Rate is n of a variant's accepted messages, from 0 on; a message may be opened more than
// once where nobody knows whose it was.
func (f VariantFigures) Rate(n int64) float64 {
	if f.Counts.Accepted == 0 {
		return 0
	}
	return float64(n) / float64(f.Counts.Accepted)
}
