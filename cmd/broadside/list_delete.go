package main

import (
	"github.com/spf13/cobra"

	"broadside/store"
)

func listDeleteCommand(a *app) *cobra.Command {
	var contacts bool
	cmd := &cobra.Command{
		Use:   "delete LIST",
		Short: "Delete a list that no run needs; what was sent stays known",
		Long: `Deletes a list with its memberships, sign-up forms and the record of its imports. Its
contacts stay, in their other lists or in none, unless --with-contacts is given. Who left
the list is forgotten with it: an import into a new list of that name subscribes them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(db *store.DB) error {
				l, err := db.ListByName(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				gone, err := db.DeleteList(cmd.Context(), l.ID, contacts)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(gone)
				}
				a.printf("%s is deleted: %s memberships and %s contacts are gone.\n", l.Name, group(gone.Memberships), group(gone.Contacts))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&contacts, "with-contacts", false, "delete the contacts too that are in no other list")
	return cmd
}
