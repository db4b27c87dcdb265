package api_test

import (
	"fmt"
	"testing"

	"broadside/campaign"
)

// A test is drafted, previewed by variant, reported by variant, and ended by whoever may
// send.
func TestABTestByAPI(t *testing.T) {
	each(t, func(w *world) {
		r := w.compared()
		path := fmt.Sprintf("/runs/%d", r.ID)
		var report struct{ AB campaign.ABReport }
		w.do("GET", path+"/report", nil, 200, &report)
		if ab := report.AB; len(ab.Variants) != 3 || ab.Decision != nil || ab.Variants[0].Counts.Planned != 1 || ab.Variants[1].Subject != "Good day" || ab.Variants[2].Counts.Waiting != 2 {
			t.Errorf("report %+v", ab)
		}
		var ab campaign.ABReport
		w.do("POST", path+"/winner", map[string]any{"variant": "C"}, 422, nil)
		w.do("POST", path+"/winner", map[string]any{"variant": "B"}, 200, &ab)
		if d := ab.Decision; d == nil || d.Winner.String() != "B" || d.By == "" || !ab.Variants[1].Won || ab.Variants[2].Subject != "Good day" {
			t.Errorf("decided %+v", ab)
		}
		w.do("POST", path+"/winner", map[string]any{"variant": "A"}, 409, nil)
		w.do("POST", fmt.Sprintf("/runs/%d/winner", w.run().ID), map[string]any{}, 409, nil)

		spec := w.campaign().Spec
		spec.Name = w.name()
		spec.AB.Variants = []campaign.Alternative{{Subject: "Good day, {{ name }}"}}
		c := must(w.service.Create(t.Context(), spec))(w)
		var draft struct {
			AB struct {
				Share    int
				After    string
				Variants []struct{ Subject string }
			}
		}
		at := fmt.Sprintf("/campaigns/%d", c.ID)
		w.do("GET", at, nil, 200, &draft)
		if draft.AB.Share != 20 || draft.AB.After != "4h0m0s" || len(draft.AB.Variants) != 1 {
			t.Errorf("draft %+v", draft)
		}
		var preview struct{ Subject string }
		for query, want := range map[string]string{"": "Hello ", "?variant=A": "Hello ", "?variant=B": "Good day, "} {
			w.do("GET", at+"/preview"+query, nil, 200, &preview)
			if len(preview.Subject) < len(want) || preview.Subject[:len(want)] != want {
				t.Errorf("preview%s is %q", query, preview.Subject)
			}
		}
		w.do("GET", at+"/preview?variant=D", nil, 422, nil)
	})
}
