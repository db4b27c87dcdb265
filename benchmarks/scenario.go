package benchmarks

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Scenario is a run of the engine as data: what it sends, to whom, and how the other
// side behaves. Its TOML keys are the form of the files in scenarios/, and of those that
// people write for `broadside bench FILE.toml`.
type Scenario struct {
	Title      string   `toml:"title"`
	Recipients int      `toml:"recipients"` // 1 to 10,000,000
	Duration   duration `toml:"duration"`   // the run is cancelled after it; default 15 min
	// Offered is how many messages become due each second, whatever the engine makes of
	// them (open loop); 0: as fast as they are sent. Latencies are measured only with it.
	Offered       float64  `toml:"offered"`
	Connections   int      `toml:"connections"`    // at each site, by all senders; default 20
	PerConnection int      `toml:"per_connection"` // messages; default no limit
	Senders       int      `toml:"senders"`        // processes of their own; default the engine itself
	Unsigned      bool     `toml:"unsigned"`
	TLS           bool     `toml:"tls"`   // 1.3, or nothing is sent
	Retry         duration `toml:"retry"` // before each further attempt; default from 1 min to 2 h
	Letter        letter   `toml:"letter"`
	Sites         []place  `toml:"site"` // default one that takes everything at once
}

// place is a mailbox provider of a scenario, with its distance and its faults.
type place struct {
	Name         string   `toml:"name"`
	Share        float64  `toml:"share"`       // of the readers' 97 domains, in whole domains
	Latency      duration `toml:"latency"`     // simulated round trip
	NoChunking   bool     `toml:"no_chunking"` // BDAT isn't offered
	NoPipelining bool     `toml:"no_pipelining"`
	// Rate is how many messages a second it takes; above, 421 4.7.28.
	Rate           float64  `toml:"rate"`
	MaxConnections int      `toml:"max_connections"` // above, 421 4.7.0
	Greylist       duration `toml:"greylist"`        // 451 4.7.1 until a first attempt is so long ago
	// Parts, 0 to 1: of addresses that don't exist (550 5.1.1) and that are over quota
	// (452 4.2.2, for good), of commands answered 421 4.3.2, of messages whose connection is
	// cut between their acceptance and the reply.
	UnknownUser  float64 `toml:"unknown_user"`
	MailboxFull  float64 `toml:"mailbox_full"`
	Busy         float64 `toml:"busy"`
	DropAfterDot float64 `toml:"drop_after_dot"`
}

// duration is written as "90s"; a number without its unit is refused.
type duration struct{ time.Duration }

// UnmarshalText reads what time.ParseDuration does, 0 and more.
func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration such as \"90s\" or \"15m\"", text)
	}
	d.Duration = v
	return nil
}

//go:embed scenarios
var scenarioFiles embed.FS

// FileScenarios are the names of those that come with the program as files. They are run
// by name only.
func FileScenarios() []string {
	entries, err := scenarioFiles.ReadDir("scenarios")
	if err != nil {
		panic("benchmarks: scenarios: " + err.Error()) // they are embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}

// readScenario reads one that comes with the program by its name, any other by the path of
// its file, which ends in ".toml".
func readScenario(name string) (Scenario, error) {
	var data []byte
	var err error
	if strings.HasSuffix(name, ".toml") {
		data, err = os.ReadFile(name)
	} else {
		data, err = scenarioFiles.ReadFile(path.Join("scenarios", name+".toml"))
	}
	if err != nil {
		return Scenario{}, err
	}
	s, err := parseScenario(data)
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func parseScenario(data []byte) (Scenario, error) {
	s := Scenario{Duration: duration{15 * time.Minute}, Connections: 20, Letter: usualLetter}
	decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		return s, explainTOML(err)
	}
	return s, s.check()
}

// explainTOML says in one line which key is unknown or wrong, and where.
func explainTOML(err error) error {
	if unknown, ok := errors.AsType[*toml.StrictMissingError](err); ok && len(unknown.Errors) > 0 {
		line, _ := unknown.Errors[0].Position()
		return fmt.Errorf("line %d: nothing is called %q", line, strings.Join(unknown.Errors[0].Key(), "."))
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := wrong.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(wrong.Error(), "toml: "))
	}
	return err
}

const (
	mostRecipients = 10_000_000
	mostSenders    = 64
)

// check says in one line what does not go, and what would.
func (s *Scenario) check() error {
	switch {
	case s.Title == "":
		return errors.New("title: say in a line what is measured")
	case s.Recipients < 1 || s.Recipients > mostRecipients:
		return fmt.Errorf("recipients: %d is not between 1 and %d", s.Recipients, mostRecipients)
	case s.Duration.Duration == 0:
		return errors.New("duration: give the run some time, such as \"15m\"")
	case s.Offered < 0:
		return fmt.Errorf("offered: %v messages a second; 0 is as fast as they are sent", s.Offered)
	case s.Offered > 0 && s.Senders > 0:
		return errors.New("offered: latencies are taken inside the engine; leave senders out")
	case s.Connections < 1 || s.Connections > 10_000:
		return fmt.Errorf("connections: %d is not between 1 and 10000", s.Connections)
	case s.PerConnection < 0:
		return fmt.Errorf("per_connection: %d messages; 0 is no limit", s.PerConnection)
	case s.Senders < 0 || s.Senders > mostSenders:
		return fmt.Errorf("senders: %d is not between 0 and %d", s.Senders, mostSenders)
	}
	if err := s.Letter.check(); err != nil {
		return err
	}
	return s.checkSites()
}

func (s *Scenario) checkSites() error {
	sum, names := 0.0, map[string]bool{}
	for _, p := range s.Sites {
		parts := []float64{p.UnknownUser, p.MailboxFull, p.Busy, p.DropAfterDot}
		switch {
		case !siteName(p.Name) || names[p.Name]:
			return fmt.Errorf("site %q: give each a name of its own, of small letters and digits", p.Name)
		case p.Share < 1.0/mailDomains:
			return fmt.Errorf("site %s: share %v is less than one of %d domains", p.Name, p.Share, mailDomains)
		case p.Rate < 0 || p.MaxConnections < 0:
			return fmt.Errorf("site %s: rate and max_connections are limits; 0 is none", p.Name)
		case slices.Min(parts) < 0 || slices.Max(parts) > 1:
			return fmt.Errorf("site %s: unknown_user, mailbox_full, busy and drop_after_dot are parts between 0 and 1", p.Name)
		}
		names[p.Name] = true
		sum += p.Share
	}
	if len(s.Sites) > 0 && (sum < 0.99 || sum > 1.01) {
		return fmt.Errorf("the sites' shares add up to %s, want 1", digits(sum))
	}
	return nil
}

func siteName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// sinkSites divides the readers' domains; each site has one at least, the last what is left.
func (s *Scenario) sinkSites() []sinkSite {
	sites := make([]sinkSite, len(s.Sites))
	next, sum := 0, 0.0
	for i, p := range s.Sites {
		sum += p.Share
		others := len(s.Sites) - 1 - i
		end := min(max(int(sum*mailDomains+0.5), next+1), mailDomains-others)
		if others == 0 {
			end = mailDomains
		}
		sites[i] = sinkSite{
			Name: p.Name, From: next, Domains: end - next, Latency: p.Latency.Duration,
			NoChunking: p.NoChunking, NoPipelining: p.NoPipelining,
			Rate: p.Rate, MaxConnections: p.MaxConnections, Greylist: p.Greylist.Duration,
			UnknownUser: p.UnknownUser, MailboxFull: p.MailboxFull, Busy: p.Busy, DropAfterDot: p.DropAfterDot,
		}
		next = end
	}
	return sites
}
