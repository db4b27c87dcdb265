package campaign

import (
	"strings"
	"time"

	"broadside/campaign/message"
	"broadside/campaign/schedule"
)

// Spec is everything a person says about a campaign. Its TOML and YAML keys are the
// file format of `broadside campaign create --file` (see docs/campaign-file.md);
// its JSON form is what the store keeps.
type Spec struct {
	Name           string `json:"name" toml:"name" yaml:"name"`
	message.Source `yaml:",inline"`

	// Class says whether the law on advertising mail is about it; default marketing.
	Class Class `json:"class,omitempty" toml:"class" yaml:"class"`

	Lists   []string `json:"lists" toml:"lists" yaml:"lists"`
	Exclude []string `json:"exclude,omitempty" toml:"exclude" yaml:"exclude"`
	Segment string   `json:"segment,omitempty" toml:"segment" yaml:"segment"` // package segment
	// Segments and ExcludeSegments name saved ones: whoever is in any of the former, and
	// in none of the latter.
	Segments        []string `json:"segments,omitempty" toml:"segments" yaml:"segments"`
	ExcludeSegments []string `json:"exclude_segments,omitempty" toml:"exclude_segments" yaml:"exclude_segments"`

	Track    Track     `json:"track,omitzero" toml:"track" yaml:"track"`
	Weight   int       `json:"weight" toml:"weight" yaml:"weight"`       // 1…100, default 10
	Priority Priority  `json:"priority" toml:"priority" yaml:"priority"` // default bulk
	StartAt  time.Time `json:"start_at,omitzero" toml:"start_at" yaml:"start_at"`

	// Window is when a run may send, by the clock of a time zone; default always.
	Window schedule.Window `json:"window,omitzero" toml:"window" yaml:"window"`

	// Repeat is when the campaign is sent again and again; default never.
	Repeat schedule.Repeat `json:"repeat,omitzero" toml:"repeat" yaml:"repeat"`

	// LocalTime has each recipient get it by the clock of their own zone; default: all at
	// the same moment.
	LocalTime LocalTime `json:"local_time,omitzero" toml:"local_time" yaml:"local_time"`

	// Spread is over how long a run's mail is spread evenly; default: as fast as it goes.
	Spread Duration `json:"spread,omitzero" toml:"spread" yaml:"spread"`

	// AB compares variants of the message; default none.
	AB ABTest `json:"ab,omitzero" toml:"ab" yaml:"ab"`

	// Pool names the sources that the mail leaves from; default "default".
	Pool string `json:"pool,omitempty" toml:"pool" yaml:"pool"`

	// Brake pauses the run by itself when a site's answers say that going on does harm.
	Brake Brake `json:"brake,omitzero" toml:"brake" yaml:"brake"`

	// OnUnknown says what to do when the connection was lost after the final dot.
	OnUnknown OnUnknown `json:"on_unknown" toml:"on_unknown" yaml:"on_unknown"` // default resend
	// GiveUp is how long deferred recipients are tried again; default 72 h.
	GiveUp Duration `json:"give_up" toml:"give_up" yaml:"give_up"`
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

// brief is how people write it: "4h", "90m".
func (d Duration) brief() string {
	text := time.Duration(d).String()
	if s, ok := strings.CutSuffix(text, "m0s"); ok {
		text = s + "m"
	}
	if s, ok := strings.CutSuffix(text, "h0m"); ok {
		text = s + "h"
	}
	return text
}

// UnmarshalText reads "90m", "72h" and the like.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}
