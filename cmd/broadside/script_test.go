package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"broadside/delivery/smtptest"
)

// The scripts run the real program: commands, their words and their exit status.
func TestScripts(t *testing.T) {
	sim, err := smtptest.Start(smtptest.Config{Providers: smtptest.Default(1), Addr: fmt.Sprintf("127.78.0.0/16:%d", freePort(t))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sim.Close() })
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("BROADSIDE_DATA", env.WorkDir+"/data")
			env.Setenv("BROADSIDE_SMTP_DNS", sim.DNSAddr())
			env.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  exitStatus,
			"publish": func(ts *testscript.TestScript, _ bool, args []string) { publish(ts, sim, args) },
		},
	})
}

// exitStatus runs a command and wants an exit status: status 2 broadside …
func exitStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if code, ok := err.(interface{ ExitCode() int }); ok {
		got = string(rune('0' + code.ExitCode()))
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// publish puts the DKIM keys of a domain into DNS: publish DOMAIN
func publish(ts *testscript.TestScript, sim *smtptest.Internet, args []string) {
	var keys struct {
		Keys []struct{ Name, TXT string }
	}
	ts.Check(ts.Exec("broadside", "dkim", "dns", args[0], "--json"))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &keys))
	for _, k := range keys.Keys {
		sim.SetRecords(k.Name, smtptest.Records{TXT: []string{k.TXT}})
	}
}
