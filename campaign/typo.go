package campaign

import "strings"

// provider is a mailbox provider whose name people mistype.
type provider struct{ name, ending string }

// providers are tried in order. Short names (gmx, web, aol, mail) are missing on
// purpose: a letter away from them lie real domains.
var providers = []provider{
	{"gmail", "com"}, {"yahoo", "com"}, {"hotmail", "com"}, {"outlook", "com"}, {"icloud", "com"},
	{"googlemail", "com"}, {"protonmail", "com"}, {"rocketmail", "com"}, {"btinternet", "com"},
	{"comcast", "net"}, {"verizon", "net"}, {"bellsouth", "net"}, {"sbcglobal", "net"}, {"laposte", "net"},
	{"t-online", "de"}, {"freenet", "de"}, {"wanadoo", "fr"},
}

// The lengths of the providers' names, give or take the typo.
const (
	shortestProvider = len("gmail") - 1
	longestProvider  = len("googlemail") + 1
)

// realNames are a letter away from a provider's name and have mailboxes of their own.
var realNames = map[string]bool{
	"gmails": true, "gomail": true, "gemail": true, "outlooks": true, "freeset": true, "freenets": true,
	"verizons": true, "lapostel": true, "grail": true, "gail": true, "hotmails": true, "yahoos": true,
}

// wrongCom are endings that fingers make of ".com"; some are country domains in which
// none of the providers takes mail.
var wrongCom = map[string]bool{
	"con": true, "cmo": true, "ocm": true, "comm": true, "vom": true, "xom": true, "cim": true, "coom": true,
	"cpm": true, "om": true, "c0m": true, "co": true, "cm": true, "cok": true, "con.com": true, "com.com": true,
	"coml": true, "comn": true, "ccom": true, "dom": true, "cop": true, "clm": true, "ckm": true, "cxom": true,
}

var wrongNet = map[string]bool{"ner": true, "nte": true, "ent": true, "bet": true, "met": true, "nett": true}

// countryEndings are those under which Hotmail and Yahoo have their national domains.
var countryEndings = words(`co.uk de fr it es ca com.br co.in co.jp com.au`)

// suggestDomain returns the domain that was probably meant when a normalised domain
// looks like a slip of the fingers, else "". It would rather miss a typo than call a
// real domain one.
func suggestDomain(domain string) string {
	name, ending, _ := strings.Cut(domain, ".")
	if len(name) < shortestProvider || len(name) > longestProvider {
		return ""
	}
	meant, ok := nearProvider(name)
	if !ok {
		return ""
	}
	exact := name == meant.name
	switch usual := meant.ending; {
	case usual == "com" && wrongCom[ending], usual == "net" && wrongNet[ending], !exact && ending == usual:
		return meant.name + "." + usual
	case exact: // yahoo.de, outlook.fr, …
		return ""
	case (meant.name == "hotmail" || meant.name == "yahoo") && countryEndings[ending]: // hotmial.fr
		return meant.name + "." + ending
	}
	return ""
}

// nearProvider returns the provider that has the name, or is one slip away from it.
func nearProvider(name string) (provider, bool) {
	if realNames[name] {
		return provider{}, false
	}
	for _, p := range providers {
		if n := len(name) - len(p.name); n < -1 || n > 1 {
			continue
		}
		if name == p.name || oneSlip(name, p.name) {
			return p, true
		}
	}
	return provider{}, false
}

// oneSlip reports whether two different words differ by one letter too many, too few
// or wrong, or by two neighbours swapped. A wrong or missing first letter doesn't
// count: it makes another word (email, cloud, mail) more often than a typo.
func oneSlip(typed, right string) bool {
	n := 0 // length of the common beginning
	for n < len(typed) && n < len(right) && typed[n] == right[n] {
		n++
	}
	t, r := typed[n:], right[n:]
	switch len(t) - len(r) {
	case 1:
		return n > 0 && t[1:] == r
	case -1:
		return n > 0 && t == r[1:]
	case 0:
		if len(t) > 1 && t[0] == r[1] && t[1] == r[0] && t[2:] == r[2:] {
			return true
		}
		return n > 0 && len(t) > 0 && t[1:] == r[1:]
	}
	return false
}
