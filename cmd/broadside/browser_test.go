package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long a page may take for anything, on a machine with other work.
const patience = time.Minute

// tab is a page in a real Chromium. What it says on its console, refused scripts and
// styles among it, fails the test.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// openTab starts a browser of its own, which ends with the test.
func openTab(t *testing.T, base string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed: .ci/install test installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	b := &tab{t: t, ctx: ctx, base: base}
	// The first action starts the browser: no time-out may end it.
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	b.listen()
	b.do(chromedp.EmulateViewport(1280, 900))
	return b
}

// refused is a form that was refused: an answer of ours, which the browser logs as an error.
var refused = regexp.MustCompile(`status of (409|422)`)

// listen collects what the console says until the test ends.
func (b *tab) listen() {
	messages := chromedp.Console(b.ctx)
	var said []string
	var mu sync.Mutex
	go func() { // ends with the tab
		for m, err := range messages {
			if err != nil {
				return
			}
			if text := m.String(); (m.IsException() || m.Type == "error") && !refused.MatchString(text) {
				mu.Lock()
				said = append(said, text)
				mu.Unlock()
			}
		}
	}()
	b.t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(said) > 0 {
			b.t.Errorf("the console says: %s", strings.Join(said, "\n"))
		}
	})
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v, at\n%s", err, b.text())
	}
}

// open goes to a page of ours.
func (b *tab) open(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.base + path)) }

// click waits for an element and clicks it.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector, chromedp.NodeVisible))
}

// write replaces what is in a field, as a person does.
func (b *tab) write(selector, text string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(selector), chromedp.Focus(selector))
	if _, err := eval[bool](b, fmt.Sprintf("document.querySelector(%q).select(), true", selector)); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.SendKeys(selector, text))
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// until waits for an expression to be true, over any number of pages.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if ok, err := eval[bool](b, "!!("+expression+")"); err == nil && ok {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("%s: never, at\n%s", what, b.text())
		}
	}
}

// shows waits for words on the page.
func (b *tab) shows(words string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q on the page", words), fmt.Sprintf("document.body.innerText.includes(%q)", words))
}

// text is what the page says, with its address.
func (b *tab) text() string {
	text, err := eval[string](b, "location.href + '\\n' + document.body.innerText")
	if err != nil {
		return err.Error()
	}
	return text
}

// first returns where the first line of a page's table leads.
func (b *tab) first(path string) string {
	b.t.Helper()
	b.open(path)
	leads, err := eval[string](b, `new URL(document.querySelector("td a.main").href).pathname`)
	if err != nil {
		b.t.Fatalf("%v, at\n%s", err, b.text())
	}
	return leads
}

// fits wants pages to need no scrolling sideways, on a desk and on a phone, and to be
// sound.
func (b *tab) fits(paths ...string) {
	b.t.Helper()
	for _, width := range []int64{1280, 390} {
		b.do(chromedp.EmulateViewport(width, 844))
		for _, path := range paths {
			b.open(path)
			wide, err := eval[int64](b, "document.documentElement.scrollWidth")
			if err != nil || wide > width {
				b.t.Errorf("%s is %d wide in a window of %d (%v)", path, wide, width, err)
			}
			if wrong, err := eval[string](b, sound); err != nil || wrong != "" {
				b.t.Errorf("%s: %s (%v)", path, wrong, err)
			}
		}
	}
	b.do(chromedp.EmulateViewport(1280, 900))
}

// sound wants of the page that is open: one main heading, a name for everything that is
// typed into, chosen or clicked, and no id twice.
const sound = `(() => {
	const wrong = [], ids = new Set();
	const named = (e) => e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || [...(e.labels ?? [])].some((l) => l.textContent.trim());
	const heads = document.querySelectorAll("h1").length;
	if (heads !== 1) wrong.push(heads + " h1");
	for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) if (!named(e)) wrong.push("no label: " + e.outerHTML);
	for (const e of document.querySelectorAll("button, a[href]")) if (!named(e) && !e.textContent.trim() && !e.ariaHidden) wrong.push("no name: " + e.outerHTML);
	for (const e of document.querySelectorAll("iframe, img, [role=img]")) if (!(e.title || e.hasAttribute("alt") || named(e))) wrong.push("no title: " + e.outerHTML);
	for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) wrong.push("twice: #" + e.id); ids.add(e.id); }
	return wrong.join("\n");
})()`

// serveLogged starts a process and returns the set-up link that it prints.
func (c *cluster) serveLogged(args ...string) (link string) {
	c.t.Helper()
	cmd := exec.Command("broadside", append([]string{"serve"}, args...)...)
	cmd.Env, cmd.Dir = c.env, c.dir
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	links, log := make(chan string, 1), &strings.Builder{}
	read := make(chan struct{})
	go func() { // ends with the process
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			fmt.Fprintln(log, lines.Text())
			if _, rest, ok := strings.Cut(lines.Text(), `link="`); ok {
				link, _, _ := strings.Cut(rest, `"`)
				links <- link
			}
		}
		_, _ = io.Copy(io.Discard, out) // a line that is too long
	}()
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
		if c.t.Failed() {
			c.t.Logf("the server says:\n%s", log)
		}
	})
	select {
	case link := <-links:
		return link
	case <-read:
		c.t.Fatalf("the server ended:\n%s", log)
	case <-time.After(patience):
		c.t.Fatalf("no link within %s", patience)
	}
	return ""
}
