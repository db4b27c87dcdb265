package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"broadside/campaign"
	"broadside/delivery"
)

func campaignTestCommand(a *app) *cobra.Command {
	var to, as, variant string
	cmd := &cobra.Command{
		Use: "test NAME --to ADDRESS", Short: "Send one message now, to any address, as any contact", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.testCampaign(cmd.Context(), args[0], variant, to, as)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "where to send it")
	cmd.Flags().StringVar(&as, "as", "", "contact's address whose values are filled in (default: the first of the audience)")
	variantFlag(cmd, &variant)
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func (a *app) testCampaign(ctx context.Context, name, variant, to, as string) (err error) {
	address, err := campaign.ParseAddress(to)
	if err != nil {
		return usageError{fmt.Errorf("--to %s: %w", to, err)}
	}
	net, err := internet(a.cfg.SMTP)
	if err != nil {
		return err
	}
	a.cfg.finish()
	e := &engine{cfg: a.cfg, log: a.log, net: net}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := errors.Join(e.openRouter(), e.openStore(ctx)); err != nil {
		return err
	}
	service := a.service(e.store, e.keys)
	c, contact, err := service.TestAs(ctx, name, variant, as)
	if err != nil {
		return err
	}
	result, err := delivery.SendTest(ctx, e.senderConfig(), c.Spec, contact, address.Email)
	if err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(map[string]any{"to": address.Email, "as": contact.Email, "accepted": result.OK(), "result": result.String()})
	} else {
		a.printf("To %s, as %s: %s\n", address.Email, contact.Email, result)
	}
	if err == nil && !result.OK() {
		return errSilent
	}
	return err
}
