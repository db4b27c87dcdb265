package main

import (
	"context"

	"github.com/spf13/cobra"

	"broadside/campaign"
)

func campaignCreateCommand(a *app) *cobra.Command {
	var (
		file    string
		replace bool
		flags   createFlags
	)
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Create a campaign from a TOML or YAML file, from flags, or from a file and flags that go before it",
		Example: `  broadside campaign create --file spring.toml
  broadside campaign create spring --from 'News <news@example.org>' --subject 'Hello {{ name | default: "there" }}' \
      --markdown letter.md --list news`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var spec campaign.Spec
			if file != "" {
				var err error
				if spec, err = campaign.ReadSpecFile(file); err != nil {
					return usageError{err}
				}
			}
			if len(args) == 1 {
				spec.Name = args[0]
			}
			spec, err := flags.over(cmd, spec)
			if err != nil {
				return err
			}
			return a.createCampaign(cmd.Context(), spec, replace)
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "campaign file (TOML or YAML, see docs/campaign-file.md)")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a campaign of that name; runs under way keep theirs")
	flags.add(cmd)
	return cmd
}

func (a *app) createCampaign(ctx context.Context, spec campaign.Spec, replace bool) error {
	return a.withService(ctx, func(s *campaign.Service) error {
		create := s.Create
		if replace {
			create = s.Replace
		}
		c, err := create(ctx, spec)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]any{"id": c.ID, "name": c.Spec.Name})
		}
		a.printf("Campaign %q is ready. Look at it with `broadside campaign preview %s`, send it with `broadside campaign start %s`.\n",
			c.Spec.Name, quoteArg(c.Spec.Name), quoteArg(c.Spec.Name))
		return nil
	})
}
