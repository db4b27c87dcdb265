package campaign

import "time"

// SiteState is what people see of a site: a pause that they ordered, or what its
// replies have taught about one key there (an address that we send from, a sending
// domain, a domain that is linked to).
type SiteState struct {
	Site        string    `json:"site" doc:"Such as google, or the domain of a small one's servers."`
	Kind        string    `json:"kind" doc:"What the limit belongs to: the site as a whole, an address that we send from, a sending domain, or a domain that is linked to."`
	Value       string    `json:"value,omitempty" doc:"Which one of its kind."`
	State       string    `json:"state" enum:"ok,slowed,stopped,paused"`
	Until       time.Time `json:"until,omitzero" doc:"When it goes on; a pause without it holds until it is ended."`
	Rate        float64   `json:"rate,omitempty" doc:"Messages per second now."`
	Limit       float64   `json:"rate_limit,omitempty" doc:"Messages per second without what was learned."`
	Connections int       `json:"connections,omitempty" doc:"Allowed now."`
	Most        int       `json:"connection_limit,omitempty" doc:"Allowed without what was learned."`
	Since       time.Time `json:"since,omitzero"`
	Why         string    `json:"why,omitempty" doc:"The reply that taught it, or a person's note."`
}

// SiteActivity is what the senders do at a site at this moment, all of them together.
type SiteActivity struct {
	Site            string    `json:"site" doc:"Such as google, or the domain of a small one's servers."`
	Rate            float64   `json:"rate" doc:"Messages accepted per second, lately."`
	RateLimit       float64   `json:"rate_limit,omitempty" doc:"Allowed per second now; none when it is missing."`
	Connections     int64     `json:"connections" doc:"Open now."`
	ConnectionLimit int       `json:"connection_limit,omitempty" doc:"Allowed now; none when it is missing."`
	Reply           string    `json:"reply,omitempty" doc:"The latest that took no message."`
	ReplyAt         time.Time `json:"reply_at,omitzero"`
	Paused          bool      `json:"paused" doc:"By a person."`
	Ordered         SiteLimit `json:"ordered,omitzero" doc:"What a person allows at most."`
}

// SiteLimit is what a person allows a site at most; what is zero is not limited.
type SiteLimit struct {
	Rate        float64   `json:"rate,omitempty" doc:"Messages per second."`
	Connections int       `json:"connections,omitempty"`
	Since       time.Time `json:"since,omitzero"`
	Who         string    `json:"who,omitempty"`
}
