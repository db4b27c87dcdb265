package campaign

import "strings"

// providers are the mailbox providers whose names people mistype, by the name before
// the first dot, with the domain each stands for. Short names (gmx, web, aol, mail)
// are missing on purpose: a letter away from them lie real domains.
var providers = map[string]string{
	"gmail": "gmail.com", "googlemail": "googlemail.com", "yahoo": "yahoo.com", "hotmail": "hotmail.com",
	"outlook": "outlook.com", "icloud": "icloud.com", "protonmail": "protonmail.com", "comcast": "comcast.net",
	"t-online": "t-online.de", "wanadoo": "wanadoo.fr", "laposte": "laposte.net", "verizon": "verizon.net",
	"bellsouth": "bellsouth.net", "sbcglobal": "sbcglobal.net", "btinternet": "btinternet.com",
	"rocketmail": "rocketmail.com", "freenet": "freenet.de",
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

// suggestDomain returns the domain that was probably meant when a normalised domain
// looks like a slip of the fingers, else "". It would rather miss a typo than call a
// real domain one.
func suggestDomain(domain string) string {
	name, ending, _ := strings.Cut(domain, ".")
	if len(name) < shortestProvider || len(name) > longestProvider {
		return ""
	}
	meant, exact := providers[name]
	if !exact {
		if meant = nearProvider(name); meant == "" {
			return ""
		}
	}
	_, usual, _ := strings.Cut(meant, ".")
	switch {
	case usual == "com" && wrongCom[ending], usual == "net" && (ending == "ner" || ending == "nte" || ending == "ent"):
		return meant
	case exact:
		return "" // yahoo.de, outlook.fr, …
	case ending == usual:
		return meant
	case usual == "com" && strings.Contains(" co.uk de fr it es ca com.br co.in co.jp com.au ", " "+ending+" ") &&
		(meant == "hotmail.com" || meant == "yahoo.com"):
		return strings.TrimSuffix(meant, usual) + ending // hotmial.fr
	}
	return ""
}

// nearProvider returns the domain of the provider whose name is one slip away.
func nearProvider(name string) string {
	if realNames[name] {
		return ""
	}
	for right, domain := range providers {
		if oneSlip(name, right) {
			return domain
		}
	}
	return ""
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
