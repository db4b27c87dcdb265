package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery/smtptest"
	"broadside/dkim"
	"broadside/ratelimit"
)

func demoCommand(a *app) *cobra.Command {
	var recipients int
	var keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole story on a simulated internet: import, send, sign, retry, balance",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if recipients < 1 || recipients > 10_000_000 {
				return usagef("--recipients is %d: use 1 to 10000000", recipients)
			}
			return demo(cmd.Context(), a, recipients, keep)
		},
	}
	cmd.Flags().IntVar(&recipients, "recipients", 20_000, "rows of the generated list")
	cmd.Flags().BoolVar(&keep, "keep", false, "keep the data: the list and campaign commands work on it afterwards")
	return cmd
}

const (
	demoDomain   = "news.broadside.example"
	demoCampaign = "spring"
	demoList     = "customers"
	demoLimit    = 10 * time.Minute
	demoStall    = 45 * time.Second // longer than any of the simulated troubles
)

// demo is one run of the demonstration.
func demo(ctx context.Context, a *app, recipients int, keep bool) error {
	dir, err := demoDir(a, keep)
	if err != nil {
		return err
	}
	if !keep {
		defer os.RemoveAll(dir)
	}
	a.cfg.Data, a.cfg.DB, a.cfg.NATS = dir, "", ""
	a.demoConfig()

	key, err := dkim.Generate(demoDomain, "demo", dkim.RSA2048)
	if err != nil {
		return err
	}
	sim, err := startInternet(recipients, key)
	if err != nil {
		return err
	}
	defer sim.Close()
	e, err := openEngine(ctx, a, network{
		dial: sim.DialContext, resolver: sim, allow: func(netip.Addr) bool { return true },
		faster: 3600, // two hours of a provider's displeasure pass in two seconds
	})
	if err != nil {
		return err
	}
	result, err := a.play(ctx, e, sim, key, recipients)
	if err = errors.Join(err, e.Close()); err != nil {
		return err
	}
	return a.showDemo(result, dir, keep)
}

// demoDir is a directory that does not exist yet, or a temporary one.
func demoDir(a *app, keep bool) (string, error) {
	if !keep {
		return os.MkdirTemp("", "broadside-demo-")
	}
	if _, err := os.Stat(filepath.Join(a.cfg.Data, "broadside.db")); err == nil {
		return "", fmt.Errorf("%s has data already, which the demo does not touch: choose another directory with --data", a.cfg.Data)
	}
	return a.cfg.Data, nil
}

// demoConfig makes retries short: the simulated internet's troubles last seconds.
func (a *app) demoConfig() {
	a.cfg.Retry = RetryConfig{First: campaign.Duration(4 * time.Second), Most: campaign.Duration(10 * time.Second)}
	a.cfg.SMTP = SMTPConfig{TLS: "opportunistic", Port: 25, Rate: 5000, Messages: 1000, Connect: campaign.Duration(2 * time.Second)}
	a.cfg.PublicURL = "https://" + demoDomain
	a.cfg.Hello = "mta1." + demoDomain
	a.cfg.LogLevel = "error"
	a.log = a.logger()
}

func startInternet(recipients int, key *dkim.Key) (*smtptest.Internet, error) {
	name, txt := key.Record()
	return smtptest.Start(smtptest.Config{
		Providers: smtptest.Default(recipients),
		Verify: func(msg []byte) error {
			return verifySignature(msg, func(asked string) ([]string, error) {
				if asked == name {
					return []string{txt}, nil
				}
				return nil, fmt.Errorf("no such record: %s", asked)
			})
		},
	})
}

// verifySignature wants exactly one signature, and a good one.
func verifySignature(msg []byte, txt func(string) ([]string, error)) error {
	found, err := dkim.Verify(msg, txt)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%d DKIM signatures", len(found))
	}
	return found[0].Err
}

// demoResult is what the demo prints, and what its exit status depends on.
type demoResult struct {
	Run       campaign.Counts `json:"run"`
	Simulator demoSimulator   `json:"simulator"`
	DKIM      demoDKIM        `json:"dkim"`
	Seconds   float64         `json:"seconds"`
	PerSecond float64         `json:"messages_per_second"`
	Slowed    []demoSlowed    `json:"slowed,omitempty"`
	Agreed    bool            `json:"agreed"`
	Problems  []string        `json:"problems,omitempty"`

	status campaign.Status
	report campaign.Report
	flaws  smtptest.Flaws
	rows   campaign.ImportReport
}

type demoSimulator struct {
	Accepted   int64 `json:"accepted"`
	Duplicates int64 `json:"duplicates"`
	Lost       int64 `json:"lost"`
}

// demoSlowed is a site that asked for less.
type demoSlowed struct {
	Site  string `json:"site"`
	Reply string `json:"reply"`
}

type demoDKIM struct {
	Verified int64 `json:"verified"`
	Failed   int64 `json:"failed"`
}

// play imports, sends, waits for the end, and compares the two ledgers.
func (a *app) play(ctx context.Context, e *engine, sim *smtptest.Internet, key *dkim.Key, recipients int) (*demoResult, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, demoLimit, fmt.Errorf("the demo did not end within %s", demoLimit))
	defer cancel()
	name, value := key.Record()
	if err := errors.Join(e.keys.Add(key), e.store.SawRecord(ctx, name, value, time.Now())); err != nil {
		return nil, err
	}
	r := &demoResult{}
	if err := a.demoImport(ctx, e, recipients, r); err != nil {
		return nil, err
	}
	service := a.service(e.store, e.keys)
	if _, err := service.Create(ctx, demoSpec()); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.run(running, []string{"plan", "record", "send"}) }()
	began := time.Now()
	run, err := service.Start(ctx, demoCampaign, time.Time{})
	if err == nil {
		err = a.watchRun(ctx, service, run.ID, demoStall)
	}
	r.Seconds = time.Since(began).Seconds()
	for key, known := range e.learned.All() {
		if key.Kind == ratelimit.Source && known.Why != "" {
			r.Slowed = append(r.Slowed, demoSlowed{key.Site, known.Why})
		}
	}
	stop()
	if err = errors.Join(err, <-ended, context.Cause(ctx)); err != nil {
		return nil, err
	}
	if r.report, err = service.Report(ctx, demoCampaign); err != nil {
		return nil, err
	}
	r.status, r.Run = r.report.Status, r.report.Counts
	r.PerSecond = float64(r.Run.Accepted+r.Run.Bounced) / r.Seconds
	return r, r.compare(ctx, e, sim)
}

// demoImport writes a list with the flaws of real ones and imports it.
func (a *app) demoImport(ctx context.Context, e *engine, recipients int, r *demoResult) error {
	path := filepath.Join(e.cfg.Data, "customers.csv")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	r.flaws, err = smtptest.WriteList(f, recipients, smtptest.Default(recipients), 1)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if r.rows, err = a.importFile(ctx, e.store, path, demoList, nil, "", false); err != nil {
		return err
	}
	if !a.json {
		a.printf("Imported %s rows: %s contacts, %s duplicates, %s invalid, %s likely typos, %s role addresses.\n",
			group(r.rows.Rows), group(r.rows.New), group(r.rows.Duplicate), group(r.rows.Invalid), group(r.rows.Typo), group(r.rows.Role))
		a.printf("Sending to a simulated internet, every message signed with DKIM.\n\n")
	}
	return nil
}

func demoSpec() campaign.Spec {
	return campaign.Spec{
		Name:  demoCampaign,
		Lists: []string{demoList},
		// What may have arrived is not sent twice: the demo counts copies.
		OnUnknown: campaign.Hold,
		// Whoever asks for a large demo has no minutes to wait for a canary.
		Brake: campaign.Brake{Canary: "off"},
		Source: message.Source{
			From:          "Broadside News <news@" + demoDomain + ">",
			Subject:       `{{ name | default: "Hello" }}, spring is here`,
			Preheader:     "Twelve plants that forgive everything.",
			PostalAddress: "Broadside Ltd, 1 Harbour Street, Portsmouth PO1 3AX",
			Markdown:      demoLetter,
		},
	}
}

const demoLetter = `# Dear {{ name | default: "reader" }},

the frost is over{% if city %} in {{ city }}{% endif %}, and the first seeds may go out.

- **Radishes** are ready in four weeks.
- **Peas** climb anything that stands still.
- **Nasturtiums** feed the bees, and you.

[Read the spring guide](https://news.broadside.example/spring)
`
