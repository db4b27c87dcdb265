package message

import "testing"

func TestMergedParts(t *testing.T) {
	p := both(t, Source{
		Subject:       `Hi {{ name | default: "there" }}`,
		HTML:          "<html><body>\n<h1>Hello {{ name }}!</h1><p>It is <a href=\"https://example.org/?n={{ name }}\">here</a>.</p></body></html>",
		PostalAddress: "Example Ltd\n1 Road",
	}, map[string]any{"name": "Ann <b>"})
	if got, want := p.header.Get("Subject"), "Hi Ann <b>"; got != want {
		t.Errorf("Subject %q, want %q", got, want)
	}
	if want := "alternative{text/plain,text/html}"; p.tree != want { // M7
		t.Errorf("tree %s, want %s", p.tree, want)
	}
	wantContains(t, "html", p.bodies["text/html"],
		"<h1>Hello Ann &lt;b&gt;!</h1>", `href="https://example.org/?n=Ann%20%3Cb%3E"`,
		`<a href="https://example.org/u/abc?k=1"`, "Example Ltd<br>1 Road</div>\n</body></html>")
	wantContains(t, "text", p.bodies["text/plain"],
		"Hello Ann <b>!\n\nIt is here (https://example.org/?n=Ann%20%3Cb%3E).\n",
		"Unsubscribe: https://example.org/u/abc?k=1\nExample Ltd\n1 Road\n")
}
