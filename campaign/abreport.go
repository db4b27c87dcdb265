package campaign

import (
	"context"
	"errors"
	"time"
)

// ABReport is where a run's A/B test stands. The variants and the rest add up to the run.
type ABReport struct {
	Says     string      `json:"says" doc:"The test in words."`
	Share    int         `json:"share" doc:"Percent of the audience that it is made with."`
	Rule     ABRule      `json:"rule,omitempty" doc:"What decides: opens, clicks or person; nothing where nobody waits."`
	Due      time.Time   `json:"due,omitzero" doc:"When it is decided by itself, once that is known."`
	Decision *ABDecision `json:"decision,omitempty" doc:"Missing while there is none."`
	// Variants are in order of their letters, then the rest.
	Variants []VariantReport `json:"variants" nullable:"false" doc:"In order, and last the rest, which has no letter and gets the winner."`
}

// Open reports whether the rest waits for a winner.
func (r ABReport) Open() bool { return r.Share < 100 && r.Decision == nil }

// VariantReport is what became of those who got a variant.
type VariantReport struct {
	Variant      string         `json:"variant" doc:"Its letter; empty for the rest."`
	Subject      string         `json:"subject,omitempty"`
	From         string         `json:"from,omitempty"`
	OwnText      bool           `json:"own_text,omitempty" doc:"Its text is not that of A."`
	Counts       Counts         `json:"counts"`
	Opens        VariantReaders `json:"opens"`
	Clicks       VariantReaders `json:"clicks"`
	OpenRate     float64        `json:"open_rate" doc:"Readers who opened it, of the messages accepted."`
	ClickRate    float64        `json:"click_rate"`
	Returned     int64          `json:"returned" doc:"Bounces that came after acceptance."`
	Unsubscribed int64          `json:"unsubscribed" doc:"By the message's link."`
	Complaints   int64          `json:"complaints"`
	Won          bool           `json:"won"`
}

// abReport returns where a run's test stands; nil when it has none.
func (s *Service) abReport(ctx context.Context, run Run) (*ABReport, error) {
	test := run.Spec.AB
	if !test.On() {
		return nil, nil
	}
	r := &ABReport{Says: test.Says(), Share: test.Share, Rule: test.Winner}
	if run.Won.Winner != NoVariant {
		r.Decision = &run.Won
	} else if run.Open() {
		waves, err := s.Store.WavesOf(ctx, run.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		r.Due = waves.Due
	}
	figures, err := s.Store.VariantFigures(ctx, run.ID)
	if err != nil {
		return nil, err
	}
	of := map[Variant]VariantFigures{}
	for _, f := range figures {
		of[f.Variant] = f
	}
	for _, v := range run.Spec.Variants() {
		line := variantReport(of[v])
		as := run.Spec.As(v)
		line.Variant, line.Subject, line.From, line.Won = v.String(), as.Subject, as.From, v == run.Won.Winner
		line.OwnText = as.HTML+as.Markdown+as.Text != run.Spec.HTML+run.Spec.Markdown+run.Spec.Text
		r.Variants = append(r.Variants, line)
	}
	if test.HasRest() {
		line := variantReport(of[NoVariant])
		if run.Won.Winner != NoVariant {
			as := run.Spec.As(run.Won.Winner)
			line.Subject, line.From = as.Subject, as.From
		}
		r.Variants = append(r.Variants, line)
	}
	return r, nil
}

func variantReport(f VariantFigures) VariantReport {
	return VariantReport{
		Counts: f.Counts, Opens: f.Opens, Clicks: f.Clicks, OpenRate: f.Rate(f.Opens.Readers()), ClickRate: f.Rate(f.Clicks.Readers()),
		Returned: f.Returned, Unsubscribed: f.Unsubscribed, Complaints: f.Complaints,
	}
}
