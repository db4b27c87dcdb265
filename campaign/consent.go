package campaign

import "time"

// Consent is the record of a person's wish to get a list's mail (GDPR, article 7 (1)).
// Records are kept as they were given; a later one replaces none.
type Consent struct {
	Contact   ContactID
	List      ListID
	At        time.Time // when it was given
	How       string    // "form", "page" (came back), "api", "import" or "person": on paper, by phone
	IP        string    // it was given from, "" when not over the net
	Agent     string    // the browser that it was given with, as it calls itself
	Form      string    // the words that were agreed to
	Confirmed time.Time // when the link of a confirmation mail was used; zero when not
	// ConfirmedIP is where from it was confirmed.
	ConfirmedIP string
	// SignupForm and FormVersion tell which form had the words; 0: none.
	SignupForm, FormVersion int64
	// Until is when it lapses (CASL, section 10 (9): implied consent lasts two years, or
	// six months); from then on the list's mail does not go to the person. Zero: never.
	Until time.Time
}
