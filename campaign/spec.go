package campaign

import "time"

// Spec is everything a person says about a campaign. Its TOML and YAML keys are the
// file format of `broadside campaign create --file` (see docs/campaign-file.md);
// its JSON form is what the store keeps.
type Spec struct {
	Name          string `json:"name" toml:"name" yaml:"name"`
	From          string `json:"from" toml:"from" yaml:"from"`                          // "News <news@example.org>"
	ReplyTo       string `json:"reply_to,omitempty" toml:"reply_to" yaml:"reply_to"`    // one mailbox
	Subject       string `json:"subject" toml:"subject" yaml:"subject"`                 // Liquid
	Preheader     string `json:"preheader,omitempty" toml:"preheader" yaml:"preheader"` // Liquid
	HTML          string `json:"html,omitempty" toml:"html" yaml:"html"`                // Liquid; or Markdown
	Markdown      string `json:"markdown,omitempty" toml:"markdown" yaml:"markdown"`    // Liquid
	Text          string `json:"text,omitempty" toml:"text" yaml:"text"`                // Liquid; generated when empty
	PostalAddress string `json:"postal_address,omitempty" toml:"postal_address" yaml:"postal_address"`

	Attachments []File `json:"attachments,omitempty" toml:"attachments" yaml:"attachments"`
	Inline      []File `json:"inline,omitempty" toml:"inline" yaml:"inline"` // referred to as cid:NAME

	Lists   []string `json:"lists" toml:"lists" yaml:"lists"`
	Exclude []string `json:"exclude,omitempty" toml:"exclude" yaml:"exclude"`
	Segment string   `json:"segment,omitempty" toml:"segment" yaml:"segment"` // package segment

	Track    Track     `json:"track,omitzero" toml:"track" yaml:"track"`
	Weight   int       `json:"weight" toml:"weight" yaml:"weight"`       // 1…100, default 10
	Priority Priority  `json:"priority" toml:"priority" yaml:"priority"` // default bulk
	StartAt  time.Time `json:"start_at,omitzero" toml:"start_at" yaml:"start_at"`

	// OnUnknown says what to do when the connection was lost after the final dot.
	OnUnknown OnUnknown `json:"on_unknown" toml:"on_unknown" yaml:"on_unknown"` // default resend
	// GiveUp is how long deferred recipients are tried again; default 72 h.
	GiveUp Duration `json:"give_up" toml:"give_up" yaml:"give_up"`
}

// File is an attachment or an inline image. In a campaign file Path is read,
// relative to that file, when the campaign is created; the store keeps Data.
type File struct {
	Name string `json:"name" toml:"name" yaml:"name"`
	Path string `json:"-" toml:"path" yaml:"path"`
	Type string `json:"type,omitempty" toml:"type" yaml:"type"` // media type; guessed when empty
	Data []byte `json:"data" toml:"-" yaml:"-"`
}

// Track says what is measured about readers: "off" (default), "anonymous" or
// "individual" each.
type Track struct {
	Opens  string `json:"opens,omitempty" toml:"opens" yaml:"opens"`
	Clicks string `json:"clicks,omitempty" toml:"clicks" yaml:"clicks"`
}

// Priority is "bulk" or "express": an express run overtakes all bulk ones.
type Priority string

// The priorities.
const (
	Bulk    Priority = "bulk"
	Express Priority = "express"
)

// OnUnknown is "resend" (the same Message-ID again) or "hold".
type OnUnknown string

// The policies for unknown outcomes.
const (
	Resend OnUnknown = "resend"
	Hold   OnUnknown = "hold"
)

// Duration is a time.Duration written as "72h" in files and JSON.
type Duration time.Duration

// MarshalText writes the duration as time.Duration.String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "90m", "72h" and the like.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
