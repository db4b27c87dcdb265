package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
)

// What came back later stands under the run that it came back from, and what keeps mail
// from the person with its origin.
func TestWhy(t *testing.T) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local)
	p := campaign.Person{
		Email: "Ann@firm.example", Contact: &campaign.PersonContact{ID: 7},
		Lists: []campaign.PersonList{{List: "news", Subscribed: true, Since: at}, {List: "offers", Since: at}},
		Feedback: []campaign.PersonFeedback{
			{Run: 3, Kind: campaign.HardBounce.String(), Detail: "550 5.1.1 User unknown", At: at}, {Run: 2, Kind: campaign.Complaint.String(), At: at},
		},
		Suppressions: []campaign.PersonSuppression{
			{Who: "ann@firm.example", Reason: "bounced", Detail: "550 5.1.1 User unknown", At: at}, {Who: "firm.example", List: "offers", Reason: "manual", At: at},
		},
	}
	row := func(run campaign.RunID) campaign.HistoryRow {
		return campaign.HistoryRow{Campaign: "spring", Row: campaign.Row{Recipient: campaign.Recipient{Run: run}, State: campaign.Accepted, Attempts: 1, Code: 250, At: at}}
	}
	rows := []campaign.HistoryRow{row(3), row(2)}
	var out bytes.Buffer
	(&app{out: &out}).showHistory(p, rows)
	day := day(at)
	want := strings.ReplaceAll(`Ann@firm.example

  spring, run 3: accepted
    DAY  attempt 1: accepted with 250
    DAY  came back: hard bounce: 550 5.1.1 User unknown

  spring, run 2: accepted
    DAY  attempt 1: accepted with 250
    DAY  came back: complaint

  DAY  left the list offers

  DAY  suppressed, whatever the list: bounced: 550 5.1.1 User unknown

  DAY  suppressed, on the list offers: manual
        by firm.example
`, "DAY", day)
	if out.String() != want {
		t.Errorf("shows\n%s\nwant\n%s", out.String(), want)
	}
	text, err := json.Marshal(whyJSON(p, rows))
	for _, want := range []string{`"came_back":[{"run":3,"kind":"hard bounce"`, `"left":[{"list":"offers"`, `"suppressions":[{"who":"ann@firm.example"`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
}

// Who is suppressed before they ever were a contact is told so.
func TestWhyOfNoContact(t *testing.T) {
	var out bytes.Buffer
	p := campaign.Person{Email: "eve@firm.example", Suppressions: []campaign.PersonSuppression{{Who: "eve@firm.example", Reason: "manual"}}}
	(&app{out: &out}).showHistory(p, nil)
	if !strings.Contains(out.String(), "is no contact") || !strings.Contains(out.String(), "suppressed, whatever the list: manual") {
		t.Errorf("shows\n%s", out.String())
	}
}
