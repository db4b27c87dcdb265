package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"broadside/delivery/smtptest"
	"broadside/dkim"
)

func sinkCommand(a *app) *cobra.Command {
	var listen, dnsListen, latency string
	var plain bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "sink",
		Short: "Simulated mailbox providers with their own DNS, on loopback",
		Long: `Runs the simulated internet of the demo, or with --plain one provider that takes
everything for every domain, until it is interrupted. Its DNS publishes the DKIM keys
of the data directory, as their owner would. Point a sender at it:

  broadside sink --listen 127.1.0.0/16:2525 --dns 127.0.0.1:5353
  BROADSIDE_SMTP_DNS=127.0.0.1:5353 BROADSIDE_SMTP_PORT=2525 BROADSIDE_SMTP_ALLOW_NETWORKS=127.0.0.0/8 broadside serve`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			providers := smtptest.Default(20_000)
			if plain {
				providers = []smtptest.Provider{{Name: "sink", Domains: []string{"*"}, MX: []string{"mx.sink.example"}}}
			}
			if latency != "" {
				d, err := time.ParseDuration(latency)
				if err != nil {
					return usagef("--latency %q: write 100ms", latency)
				}
				for i := range providers {
					providers[i].Behaviour.Latency = d
				}
			}
			records, err := a.publishedKeys()
			if err != nil {
				return err
			}
			sim, err := smtptest.Start(smtptest.Config{Providers: providers, Addr: listen, DNSAddr: dnsListen, TXT: records})
			if err != nil {
				return err
			}
			defer sim.Close()
			return a.watchSink(cmd, sim, limit)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.1.0.0/16:2525", "where the mail servers listen: a loopback network and port")
	cmd.Flags().StringVar(&dnsListen, "dns", "127.0.0.1:5353", "where the DNS server listens")
	cmd.Flags().StringVar(&latency, "latency", "", "simulated round trip, instead of the providers' own")
	cmd.Flags().BoolVar(&plain, "plain", false, "one provider that takes everything for every domain")
	cmd.Flags().DurationVar(&limit, "for", 12*time.Hour, "stop by itself after")
	return cmd
}

// publishedKeys are the DKIM records of the data directory's keys, if there is one yet.
func (a *app) publishedKeys() (map[string][]string, error) {
	if _, err := os.Stat(a.cfg.keyDir()); err != nil {
		return nil, nil
	}
	keys, err := dkim.OpenKeyring(a.cfg.keyDir())
	if err != nil {
		return nil, err
	}
	records := map[string][]string{}
	for _, k := range keys.Keys() {
		name, txt := k.Record()
		records[name] = []string{txt}
	}
	return records, nil
}

func (a *app) watchSink(cmd *cobra.Command, sim *smtptest.Internet, limit time.Duration) error {
	if !a.json {
		a.printf("Mail servers are up; DNS at %s. Interrupt to stop.\n", sim.DNSAddr())
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	var last int64
	for {
		select {
		case <-cmd.Context().Done():
		case <-end.C:
		case <-tick.C:
			t := sim.Ledger().Totals()
			if !a.json && t.Accepted != last {
				a.printf("%s  %s accepted (%s/s), %s twice\n", time.Now().Format(time.TimeOnly), group(t.Accepted), group((t.Accepted-last)/5), group(t.Duplicates))
			}
			last = t.Accepted
			continue
		}
		t := sim.Ledger().Totals()
		if a.json {
			return a.printJSON(t)
		}
		fmt.Fprintf(a.out, "%s accepted, %s twice, %s connections, %s round trips\n", group(t.Accepted), group(t.Duplicates), group(t.Connections), group(t.RoundTrips))
		return nil
	}
}
