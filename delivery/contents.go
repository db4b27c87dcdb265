package delivery

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/dkim"
)

// content is what all messages of one run share, or of one of its variants.
type content struct {
	spec    campaign.Spec // the run's, as the variant
	message *message.Content
	signer  *dkim.Signer // nil: unsigned
	links   []string     // domains that the message leads to
	counting
}

// contents caches the compiled messages of runs and their variants, compiling each once.
type contents struct {
	cfg Config

	mu   sync.Mutex
	runs map[contentKey]*content
}

// contentKey names what is compiled once.
type contentKey struct {
	run     campaign.RunID
	variant campaign.Variant
}

// contentOf is what a job's message is made of.
func contentOf(j *campaign.Job) contentKey { return contentKey{j.Run, j.Variant} }

// keptContents bounds the cache; what is not in it is read again.
const keptContents = 64

func newContents(cfg Config) *contents {
	return &contents{cfg: cfg, runs: map[contentKey]*content{}}
}

// of returns a content. Compiling happens under the lock: the others need the same one.
func (c *contents) of(ctx context.Context, id contentKey) (*content, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.runs[id]; got != nil {
		return got, nil
	}
	got, err := c.load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("content of run %d: %w", id.run, err)
	}
	if len(c.runs) >= keptContents {
		for old := range c.runs {
			delete(c.runs, old)
			break
		}
	}
	c.runs[id] = got
	return got, nil
}

func (c *contents) load(ctx context.Context, id contentKey) (*content, error) {
	run, err := c.cfg.Store.RunByID(ctx, id.run)
	if err != nil {
		return nil, err
	}
	spec, err := run.SpecFor(id.variant)
	if err != nil {
		return nil, err
	}
	opt := campaign.MessageOptions(run.Spec)
	if opt.Pixel, opt.Links, err = c.countingFor(ctx, run); err != nil {
		return nil, err
	}
	got, err := c.compile(spec, opt)
	if err != nil || !opt.Pixel && !opt.Links {
		return got, err
	}
	if got.base = c.cfg.Identity.trackingURL(got.message.FromDomain()); got.base == "" {
		return got, nil
	}
	got.links = append(got.links, got.host()) // which providers see in the place of others
	got.numbers, err = c.number(ctx, id.run, got.message)
	return got, err
}

func (c *contents) compile(spec campaign.Spec, opt message.Options) (*content, error) {
	compiled, err := message.Compile(spec.Source, opt)
	if err != nil {
		return nil, err
	}
	signer, err := c.signer(compiled.FromDomain())
	if err != nil {
		return nil, err
	}
	return &content{spec: spec, message: compiled, signer: signer, links: linkedDomains(spec.Source)}, nil
}

// What leads somewhere: in HTML not each URL does, a document type or a name space is
// the same in everybody's mail.
var (
	link     = regexp.MustCompile(`https?://([A-Za-z0-9.-]+)`)
	htmlLink = regexp.MustCompile(`(?i)(?:\b(?:href|src|srcset|background|action)\s*=|url\()[\s"']*https?://([a-z0-9.-]+)`)
)

// linkedDomains are the hosts that a message's links and images name, each once.
func linkedDomains(src message.Source) []string {
	found := htmlLink.FindAllStringSubmatch(src.HTML, -1)
	for _, text := range []string{src.Markdown, src.Text} {
		found = append(found, link.FindAllStringSubmatch(text, -1)...)
	}
	var domains []string
	for _, match := range found {
		domains = append(domains, strings.ToLower(strings.TrimRight(match[1], ".")))
	}
	slices.Sort(domains)
	return slices.Compact(domains)
}

// signer reads the keys anew: one that was made, or put into use, since the process
// began signs the runs that begin after it.
func (c *contents) signer(domain string) (*dkim.Signer, error) {
	if err := c.cfg.Keys.Reload(); err != nil {
		return nil, err
	}
	if keys := c.cfg.Keys.For(domain); len(keys) > 0 {
		return dkim.NewSigner(keys...)
	}
	if c.cfg.Unsigned {
		return nil, nil
	}
	return nil, fmt.Errorf("no DKIM key for %s: make one with `broadside dkim keygen %s`, or allow unsigned mail", domain, domain)
}

// giveUp is how long those who are deferred are tried.
func (c *contents) giveUp(id contentKey) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.runs[id]; got != nil && got.spec.GiveUp > 0 {
		return time.Duration(got.spec.GiveUp)
	}
	return campaign.DefaultGiveUp
}
