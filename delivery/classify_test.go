package delivery

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"broadside/delivery/smtp"
)

var update = flag.Bool("update", false, "write the golden files")

// String is how the golden files say it.
func (v verdict) String() string {
	s := v.state.String()
	if v.reason != 0 {
		s += ", " + v.reason.String()
	}
	if v.hosts {
		s += ", host"
	}
	if v.throttle {
		s += ", throttle"
	}
	return s
}

// S14, S23: the stage gives a reply its scope, the reply code alone decides between
// temporary and permanent.
func TestVerdictsByStage(t *testing.T) {
	var got strings.Builder
	line := func(r smtp.Result) {
		what := r.Failure.String()
		if r.Failure == smtp.None {
			what = fmt.Sprint(r.Reply.Code)
		}
		fmt.Fprintf(&got, "%s, %s: %s\n", r.Stage, what, classify("", r))
	}
	for stage := smtp.Greeting; stage <= smtp.Idle; stage++ {
		for _, code := range []int{450, 550, 421} {
			line(smtp.Result{Stage: stage, Reply: smtp.Reply{Code: code, Text: "so it is"}})
		}
		for _, f := range []smtp.Failure{smtp.Closed, smtp.TimedOut, smtp.Malformed} {
			line(smtp.Result{Stage: stage, Failure: f})
		}
	}
	line(smtp.Result{Stage: smtp.Body, Reply: smtp.Reply{Code: 250}})
	for _, f := range []smtp.Failure{smtp.Refused, smtp.Unreachable, smtp.TimedOut, smtp.Forbidden} {
		line(smtp.Result{Stage: smtp.Connect, Failure: f})
	}
	for _, f := range []smtp.Failure{smtp.TLSFailed, smtp.TLSUnavailable} {
		line(smtp.Result{Stage: smtp.StartTLS, Failure: f})
	}
	line(smtp.Result{Stage: smtp.Auth, Failure: smtp.AuthUnavailable})
	for _, f := range []smtp.Failure{smtp.TooLarge, smtp.NeedsUTF8, smtp.Needs8Bit, smtp.Invalid, smtp.Cancelled} {
		line(smtp.Result{Stage: smtp.Mail, Failure: f})
	}
	got.WriteString("\nAll of the message was sent (S17):\n")
	for _, f := range []smtp.Failure{smtp.Closed, smtp.TimedOut, smtp.Malformed, smtp.Cancelled} {
		for _, stage := range []smtp.Stage{smtp.Mail, smtp.Body} { // Mail: all was pipelined
			line(smtp.Result{Stage: stage, Failure: f, Handed: true})
		}
	}
	for _, code := range []int{450, 550, 421} { // the decision is known
		line(smtp.Result{Stage: smtp.Body, Reply: smtp.Reply{Code: code}, Handed: true})
	}
	const path = "testdata/stages.golden"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the verdicts are\n%s", got.String())
	}
}

var stageOf = map[string]smtp.Stage{
	"greeting": smtp.Greeting, "mail": smtp.Mail, "rcpt": smtp.Rcpt, "data": smtp.Data, "body": smtp.Body,
}

func TestRepliesOfProviders(t *testing.T) {
	raw, err := os.ReadFile("testdata/replies.txt")
	if err != nil {
		t.Fatal(err)
	}
	n, question := 0, ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] != '=':
			question = line
		default:
			n++
			stage, text, _ := strings.Cut(question, " ")
			reply, err := smtp.ParseReply(text)
			if _, known := stageOf[stage]; err != nil || !known {
				t.Fatalf("%s: %v", question, err)
			}
			want := strings.TrimPrefix(line, "= ")
			if got := classify("", smtp.Result{Stage: stageOf[stage], Reply: reply}).String(); got != want {
				t.Errorf("%s\n got %s\nwant %s", question, got, want)
			}
		}
	}
	if n < 60 {
		t.Errorf("%d replies: the file was cut", n)
	}
}

// Providers set codes as they please, so an address in the text is not taken for one.
func TestAnAddressInTheTextIsNoCode(t *testing.T) {
	for _, ip := range []string{"104.2.2.7", "15.1.1.5", "15.2.1.44", "10.5.7.1"} {
		r := smtp.Result{Stage: smtp.Body, Reply: smtp.Reply{Code: 550, Text: "no thanks, " + ip}}
		if got := classify("", r).String(); got != "bounced, refused" {
			t.Errorf("%s: %s", ip, got)
		}
	}
}
