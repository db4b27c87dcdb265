package smtptest

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

// list writes and reads back a list.
func list(t testing.TB, n int, providers []Provider, seed uint64) ([][]string, Flaws) {
	t.Helper()
	var b bytes.Buffer
	f, err := WriteList(&b, n, providers, seed)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:], f
}

// The generator's own count of its flaws is what a reader finds.
func TestListIsWhatItSays(t *testing.T) {
	rows, f := list(t, 50_000, Default(50_000), 1)
	got := Flaws{Rows: len(rows)}
	seen := make(map[string]bool)
	for _, row := range rows {
		cell := row[0]
		address := strings.ToLower(strings.TrimSpace(cell))
		local, domain, _ := strings.Cut(address, "@")
		if strings.ContainsAny(row[1], ",\"\n") {
			got.QuotedNames++
		}
		if row[5] == "unsubscribed" {
			got.Unsubscribed++
		}
		if row[1] != "" && !isASCII([]byte(row[1])) {
			got.ForeignNames++
		}
		switch {
		case address == "":
			got.Empty++
			continue
		case local == "" || strings.ContainsAny(address, " ") || strings.Contains(address, "..") ||
			strings.Contains(domain, "@") || !strings.Contains(domain, ".") || domain[0] == '-':
			got.Invalid++
			continue
		case seen[address]:
			got.Duplicates++
			continue
		}
		seen[address] = true
		got.Addresses++
		if address != strings.ToLower(cell) {
			got.Spaces++
		}
		for _, r := range roles {
			if local == r {
				got.Roles++
			}
		}
		for _, wrong := range typos {
			if domain == wrong {
				got.Typos++
			}
		}
		if a, err := idna.ToASCII(domain); err != nil || a != domain {
			got.IDN++
		}
	}
	if got != f {
		t.Errorf("\nit says %+v\nit has  %+v", f, got)
	}
	if f.Duplicates == 0 || f.Invalid == 0 || f.Empty == 0 || f.Unsubscribed == 0 || f.IDN == 0 || f.Roles == 0 || f.Typos == 0 || f.QuotedNames == 0 {
		t.Errorf("a flaw is missing: %+v", f)
	}
}

func TestListFollowsTheShares(t *testing.T) {
	rows, _ := list(t, 100_000, Default(100_000), 2)
	counts := make(map[string]float64)
	for _, row := range rows {
		if _, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(row[0])), "@"); ok {
			counts[domain]++
		}
	}
	want := map[string]float64{"gmail.com": 67.4, "hotmail.com": 8.8, "yahoo.com": 5.9, "aol.com": 1.5, "icloud.com": 1.2, "outlook.com": 1.2}
	for domain, share := range want {
		got := counts[domain] / float64(len(rows)) * 100
		if math.Abs(got-share) > 0.06*share {
			t.Errorf("%s has %.2f %%, want %.1f", domain, got, share)
		}
	}
	if len(counts) < 320 {
		t.Errorf("%d domains, want the 320 small ones and more", len(counts))
	}
}

func TestListIsDeterministicAndGrows(t *testing.T) {
	write := func(n int, seed uint64) string {
		var b strings.Builder
		if _, err := WriteList(&b, n, Default(0), seed); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	short := write(1000, 7)
	if again := write(1000, 7); again != short {
		t.Error("the same seed gives another list")
	}
	if long := write(2000, 7); !strings.HasPrefix(long, short) {
		t.Error("a longer list begins differently")
	}
	if other := write(1000, 8); other == short {
		t.Error("another seed gives the same list")
	}
}

// Every domain of the list is one that the simulator answers for, as Default says.
func TestDefaultInternet(t *testing.T) {
	providers := Default(20_000)
	i := start(t, Config{Memory: true, Providers: providers})
	rows, _ := list(t, 5000, providers, 3)
	missing := 0
	for _, row := range rows {
		_, domain, ok := strings.Cut(strings.ToLower(strings.TrimSpace(row[0])), "@")
		if !ok {
			continue
		}
		domain, err := idna.ToASCII(domain)
		if err != nil {
			continue
		}
		if mxText(i.LookupMX(t.Context(), domain)) == "not found" {
			missing++
		}
	}
	if missing < 20 || missing > 150 { // typos, gone.example and broken cells
		t.Errorf("%d of 5000 rows have a domain that does not exist", missing)
	}
	if got := mxText(i.LookupMX(t.Context(), "nomail.example")); got != "0 ." {
		t.Errorf("nomail.example: %s", got)
	}
	for _, p := range providers {
		for _, entry := range p.MX {
			if mx, err := parseMX(entry); err != nil || mx.host != "" && !i.HostAddr(mx.host).IsLoopback() {
				t.Errorf("%s: %q has address %v, %v", p.Name, entry, i.HostAddr(mx.host), err)
			}
		}
	}
}

func TestListRefusesSharesThatMakeNoSense(t *testing.T) {
	for _, providers := range [][]Provider{nil, {{Name: "a", Domains: []string{"a.example"}}}, {{Name: "a", Domains: []string{"a.example"}, Share: 1, Shares: []float64{1, 2}}}} {
		if _, err := WriteList(io.Discard, 1, providers, 1); err == nil {
			t.Errorf("no error for %+v", providers)
		}
	}
}

func BenchmarkWriteList(b *testing.B) {
	providers := Default(1_000_000)
	for b.Loop() {
		if _, err := WriteList(io.Discard, 1_000_000, providers, 1); err != nil {
			b.Fatal(err)
		}
	}
}
