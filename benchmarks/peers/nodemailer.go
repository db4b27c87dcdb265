package peers

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"time"
)

// The versions that npm installs.
const (
	NodemailerVersion = "10.6.0"
	HarakaVersion     = "3.3.4"
	harakaDKIM        = "1.3.1"
)

//go:embed nodemailer.js
var nodemailerScript string

// Letter is what Nodemailer sends: it makes each message itself. {{ name }} and
// {{ city }} stand for each reader's own.
type Letter struct {
	From    string `json:"from"`
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
	Domains int    `json:"domains"` // reader i is at mail(i mod Domains).example
}

// Nodemailer sends so many letters over a pool of connections, and returns the
// processor time of doing so.
func Nodemailer(ctx context.Context, j Job, letter Letter, messages int) (time.Duration, error) {
	if err := installed(ctx, j.Cache, map[string]string{"nodemailer": NodemailerVersion}); err != nil {
		return 0, err
	}
	host, port, err := net.SplitHostPort(j.Sink)
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(map[string]any{
		"module": filepath.Join(j.Cache, "node_modules", "nodemailer"), "host": host, "port": json.Number(port),
		"name": "mta." + j.Domain, "connections": j.Connections, "messages": messages, "letter": letter,
		"dkim": map[string]string{"domainName": j.Domain, "keySelector": j.Selector, "privateKey": string(j.Key)},
	})
	if err != nil {
		return 0, err
	}
	if err := write(j.Dir, map[string]string{"nodemailer.js": nodemailerScript, "job.json": string(text)}); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "node", filepath.Join(j.Dir, "nodemailer.js"), filepath.Join(j.Dir, "job.json"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("nodemailer: %w: %s", err, lastLines(string(out)))
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}
