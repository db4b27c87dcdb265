package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"broadside/campaign/account"
	"broadside/store"
)

func userCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "user", Short: "Show who may sign in to the pages; let an admin in when the provider is down", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				users, err := db.Users(cmd.Context())
				if err != nil {
					return err
				}
				return a.showAccounts(users)
			})
		},
	}
	cmd.AddCommand(userLetInCommand(a))
	return cmd
}

func userLetInCommand(a *app) *cobra.Command {
	var length time.Duration
	var makeAdmin bool
	cmd := &cobra.Command{
		Use: "let-in ADDRESS", Short: "Print a link by which an admin chooses a password that counts for an hour, also where passwords do not", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if length < time.Minute || length > 7*24*time.Hour {
				return usagef("--for %v: use a time between 1m and 168h", length)
			}
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				return a.letIn(cmd.Context(), db, strings.ToLower(args[0]), makeAdmin, length)
			})
		},
	}
	cmd.Flags().DurationVar(&length, "for", time.Hour, "how long, such as 8h")
	cmd.Flags().BoolVar(&makeAdmin, "admin", false, "make the user an admin")
	return cmd
}

func (a *app) letIn(ctx context.Context, db *store.DB, email string, makeAdmin bool, length time.Duration) error {
	accounts, err := newAccounts(ctx, a.cfg, db)
	if err != nil {
		return err
	}
	u, secret, err := accounts.LetIn(ctx, email, makeAdmin, length)
	if err != nil {
		return err
	}
	if err := accounts.Log(ctx, account.Entry{Via: "command", Action: "let in", Object: u.Email, Status: 200}); err != nil {
		return err
	}
	base := a.cfg.PublicURL
	if base == "" {
		base = "http://" + a.cfg.Listen
	}
	link := strings.TrimRight(base, "/") + "/welcome?token=" + secret
	if a.json {
		return a.printJSON(map[string]any{"user": u.Email, "link": link, "until": u.LetInUntil})
	}
	a.printf("%s chooses a password here, which counts until %s:\n%s\n", u.Email, u.LetInUntil.Format(time.RFC3339), link)
	return nil
}

func (a *app) showAccounts(users []account.User) error {
	type row struct {
		Email    string   `json:"email"`
		Name     string   `json:"name"`
		Role     string   `json:"role"`
		Disabled bool     `json:"disabled"`
		SignsIn  []string `json:"signs_in"`
	}
	rows := []row{}
	t := newTable("address", "name", "role", "signs in")
	for _, u := range users {
		r := row{u.Email, u.Name, string(u.Role), u.Disabled, u.SignsIn()}
		rows = append(rows, r)
		how := "not yet"
		switch {
		case u.Disabled:
			how = "disabled"
		case len(r.SignsIn) > 0:
			how = "with " + strings.Join(r.SignsIn, ", ")
		}
		t.row(u.Email, u.Name, r.Role, how)
	}
	if a.json {
		return a.printJSON(rows)
	}
	if len(rows) == 0 {
		a.printf("Nobody may sign in yet: `broadside serve` logs a link to set up the first user.\n")
		return nil
	}
	t.print(a.out)
	return nil
}
