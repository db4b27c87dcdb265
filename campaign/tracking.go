package campaign

import "fmt"

// Tracking is how much may be measured of what readers do with messages. The numbers
// are stored: never renumber them.
type Tracking uint8

// The levels, each of which allows what those before it do.
const (
	// TrackOff: messages have no pixel, and their links lead where they say.
	TrackOff Tracking = 0
	// TrackAnonymous: openings and clicks are counted; everybody's message has the same
	// pixel and links, or all of a variant of an A/B test have, so that nobody can tell
	// whose they were.
	TrackAnonymous Tracking = 1
	// TrackIndividual: it is known who opened and clicked.
	TrackIndividual Tracking = 2
)

var trackingNames = [...]string{"off", "anonymous", "individual"}

// Trackings are all levels.
func Trackings() []Tracking { return []Tracking{TrackOff, TrackAnonymous, TrackIndividual} }

func (t Tracking) String() string {
	if int(t) < len(trackingNames) {
		return trackingNames[t]
	}
	return fmt.Sprintf("tracking(%d)", uint8(t))
}

// MarshalText writes the level's name.
func (t Tracking) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Means says what a level means for readers.
func (t Tracking) Means() string {
	switch t {
	case TrackAnonymous:
		return "openings and clicks are counted, and nobody can tell whose they were"
	case TrackIndividual:
		return "it is known who opened and clicked what"
	}
	return "messages have no pixel, and their links lead where they say"
}

// ParseTracking reads a level's name.
func ParseTracking(name string) (Tracking, error) {
	for i, n := range trackingNames {
		if n == name {
			return Tracking(i), nil
		}
	}
	return TrackOff, fmt.Errorf("tracking %q: use off, anonymous or individual", name)
}

// Track says what a campaign wants measured about its readers: "off", "anonymous" or
// "individual" each; as much as their lists allow when it is empty. Never more than
// that.
type Track struct {
	Opens  string `json:"opens,omitempty" toml:"opens" yaml:"opens"`
	Clicks string `json:"clicks,omitempty" toml:"clicks" yaml:"clicks"`
}

// Within returns what is measured of a reader whose lists allow so much.
func (t Track) Within(ceiling Tracking) (opens, clicks Tracking) {
	return within(t.Opens, ceiling), within(t.Clicks, ceiling)
}

func within(wish string, ceiling Tracking) Tracking {
	if wish == "" {
		return ceiling
	}
	level, err := ParseTracking(wish)
	if err != nil {
		return TrackOff // specs are checked; who knows what this was meant to be
	}
	return min(level, ceiling)
}
