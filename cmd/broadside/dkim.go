package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"broadside/dkim"
)

func dkimCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "dkim", Short: "Make signing keys, print their DNS records, verify messages"}
	cmd.AddCommand(dkimKeygenCommand(a), dkimDNSCommand(a), dkimVerifyCommand(a))
	return cmd
}

func dkimKeygenCommand(a *app) *cobra.Command {
	var selector string
	var ed25519 bool
	cmd := &cobra.Command{
		Use: "keygen DOMAIN", Short: "Make a key and print the DNS record to publish", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			algorithm := dkim.RSA2048
			if ed25519 {
				algorithm = dkim.Ed25519
			}
			if selector == "" {
				selector = "b" + time.Now().UTC().Format("200601")
			}
			a.cfg.finish()
			ring, err := dkim.OpenKeyring(a.cfg.keyDir())
			if err != nil {
				return err
			}
			key, err := dkim.Generate(args[0], selector, algorithm)
			if err != nil {
				return usageError{err}
			}
			if err := ring.Add(key); err != nil {
				return err
			}
			return a.showKeys([]*dkim.Key{key})
		},
	}
	cmd.Flags().StringVar(&selector, "selector", "", "name of the key in DNS (default: b and the month)")
	cmd.Flags().BoolVar(&ed25519, "ed25519", false, "Ed25519 instead of RSA-2048, as a second signature only")
	return cmd
}

func dkimDNSCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "dns [DOMAIN]", Short: "Print the DNS records of all keys, or of a domain's", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			a.cfg.finish()
			ring, err := dkim.OpenKeyring(a.cfg.keyDir())
			if err != nil {
				return err
			}
			keys := ring.Keys()
			if len(args) == 1 {
				if keys = ring.For(args[0]); len(keys) == 0 {
					return fmt.Errorf("there is no key for %s: make one with `broadside dkim keygen %s`", args[0], args[0])
				}
			}
			return a.showKeys(keys)
		},
	}
}

func (a *app) showKeys(keys []*dkim.Key) error {
	if a.json {
		out := make([]map[string]any, 0, len(keys))
		for _, k := range keys {
			name, txt := k.Record()
			out = append(out, map[string]any{"domain": k.Domain, "selector": k.Selector, "algorithm": k.Algorithm().String(), "name": name, "txt": txt})
		}
		return a.printJSON(map[string]any{"keys": out})
	}
	if len(keys) == 0 {
		a.printf("There are no keys yet. Make one with `broadside dkim keygen DOMAIN`.\n")
	}
	for _, k := range keys {
		name, txt := k.Record()
		a.printf("%s, selector %s (%s)\n\n  name   %s\n  type   TXT\n  value  %s\n\nAs a line of a zone file:\n\n%s\n", k.Domain, k.Selector, k.Algorithm(), name, txt, k.ZoneLine())
	}
	return nil
}

// maxVerify bounds what is read of a message to be verified.
const maxVerify = 64 << 20

func dkimVerifyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "verify [DOMAIN|FILE]", Short: "See whether a domain's keys are in DNS, or verify the signatures of a message (.eml)", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := a.in
			if len(args) == 1 {
				a.cfg.finish()
				ring, err := dkim.OpenKeyring(a.cfg.keyDir())
				if err != nil {
					return err
				}
				if len(ring.For(args[0])) > 0 {
					return a.verifyDomain(cmd.Context(), ring, args[0])
				}
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			msg, err := io.ReadAll(io.LimitReader(in, maxVerify))
			if err != nil {
				return err
			}
			results, err := dkim.Verify(msg, func(name string) ([]string, error) {
				return net.DefaultResolver.LookupTXT(cmd.Context(), name)
			})
			if err != nil {
				return err
			}
			return a.showVerifications(results)
		},
	}
}

func (a *app) showVerifications(results []dkim.Verification) error {
	var errs []error
	out := make([]map[string]any, 0, len(results))
	for _, v := range results {
		verdict := "good"
		if v.Err != nil {
			verdict = v.Err.Error()
			errs = append(errs, v.Err)
		}
		out = append(out, map[string]any{"domain": v.Domain, "result": verdict})
		if !a.json {
			a.printf("%s: %s\n", v.Domain, verdict)
		}
	}
	if a.json {
		if err := a.printJSON(map[string]any{"signatures": out}); err != nil {
			return err
		}
	}
	switch {
	case len(results) == 0:
		return errors.New("the message carries no DKIM signature")
	case len(errs) > 0:
		return errSilent
	}
	return nil
}
