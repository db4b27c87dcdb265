package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/store"
)

func contactCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "contact", Short: "Hand out, erase, or note the consent of, one person's data"}
	cmd.AddCommand(contactExportCommand(a), contactEraseCommand(a), contactConsentCommand(a))
	return cmd
}

func contactExportCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "export ADDRESS", Short: "Print everything that is kept about a person, as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				p, err := s.Person(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return a.printJSON(p)
			})
		},
	}
}

func contactEraseCommand(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "erase ADDRESS", Short: "Erase everything that is kept about a person, for good; they stay suppressed by a hash", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !yes {
				return usagef("erasing %s cannot be taken back: look at it with `broadside contact export %s`, then add --yes", args[0], args[0])
			}
			return a.withService(cmd.Context(), func(s *campaign.Service) error {
				e, err := s.Erase(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(e)
				}
				if !e.Contact {
					a.printf("No contact had this address; it will not be stored or mailed.\n")
					return nil
				}
				a.printf("Erased: the contact, %s memberships, %s consents, %s attempts, %s bounces and complaints. Runs under way leave them out within a second.\n",
					group(e.Memberships), group(e.Consents), group(e.Attempts), group(e.Feedback))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func contactConsentCommand(a *app) *cobra.Command {
	var list, form, ip, until string
	cmd := &cobra.Command{
		Use: "consent ADDRESS", Short: "Note a consent that was given on paper, by phone or elsewhere, and until when it lasts", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := campaign.Consent{At: time.Now(), How: "person", Form: form, IP: ip}
			if until != "" {
				var err error
				if c.Until, err = time.Parse(time.DateOnly, until); err != nil {
					return usagef("--until %s: write a day such as 2027-05-31", until)
				}
			}
			if ip != "" {
				if _, err := netip.ParseAddr(ip); err != nil {
					return usagef("--ip %s is not an IP address", ip)
				}
			}
			address, err := campaign.ParseAddress(args[0])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				contact, err := db.ContactByEmail(cmd.Context(), address.Email)
				if err != nil {
					return err
				}
				l, err := db.ListByName(cmd.Context(), list)
				if err != nil {
					return err
				}
				c.Contact, c.List = contact.ID, l.ID
				if err := db.RecordConsent(cmd.Context(), c); err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]any{"address": contact.Email, "list": l.Name, "until": c.Until})
				}
				a.printf("Noted. broadside contact export %s shows it.\n", contact.Email)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "the list that it is for")
	cmd.Flags().StringVar(&form, "form", "", "the words that were agreed to")
	cmd.Flags().StringVar(&ip, "ip", "", "the IP address that it came from")
	cmd.Flags().StringVar(&until, "until", "", "the day from which it no longer holds, 2027-05-31 (default: without an end)")
	_ = cmd.MarkFlagRequired("list")
	return cmd
}
