package campaign

import (
	"strings"
	"testing"
)

func TestSuggestDomain(t *testing.T) {
	typos := map[string]string{
		"gmial.com": "gmail.com", "gamil.com": "gmail.com", "gmai.com": "gmail.com", "gmal.com": "gmail.com",
		"gmaill.com": "gmail.com", "gnail.com": "gmail.com", "mgail.com": "gmail.com", "gmail.con": "gmail.com",
		"gmail.co": "gmail.com", "gmail.cm": "gmail.com", "gmail.comm": "gmail.com", "gmial.con": "gmail.com",
		"hotmial.com": "hotmail.com", "hotmal.com": "hotmail.com", "hotmail.cmo": "hotmail.com", "hotmial.fr": "hotmail.fr",
		"homtail.co.uk": "hotmail.co.uk", "yaho.com": "yahoo.com", "yahooo.com": "yahoo.com", "yhaoo.com": "yahoo.com",
		"yahoo.con": "yahoo.com", "outlok.com": "outlook.com", "outloook.com": "outlook.com", "iclod.com": "icloud.com",
		"icloud.vom": "icloud.com", "googlmail.com": "googlemail.com", "t-onlin.de": "t-online.de", "tonline.de": "t-online.de",
		"comcas.net": "comcast.net", "comcast.ner": "comcast.net", "protonmial.com": "protonmail.com", "wanado.fr": "wanadoo.fr",
	}
	for domain, want := range typos {
		if got := suggestDomain(domain); got != want {
			t.Errorf("suggestDomain(%s) = %q, want %q", domain, got, want)
		}
	}
}

// Real domains are never called typos.
func TestSuggestDomainPrecision(t *testing.T) {
	const domains = `gmail.com googlemail.com yahoo.com yahoo.de yahoo.co.uk yahoo.co.jp yahoo.com.br ymail.com rocketmail.com
		hotmail.com hotmail.de hotmail.co.uk hotmail.it outlook.com outlook.de outlook.fr live.com msn.com icloud.com me.com mac.com
		gmx.de gmx.net gmx.at gmx.com web.de aol.com aol.de aim.com mail.com email.com mail.ru mail.de email.de bk.ru list.ru
		t-online.de freenet.de arcor.de online.de 1und1.de posteo.de mailbox.org proton.me protonmail.com protonmail.ch pm.me
		tutanota.com orange.fr wanadoo.fr laposte.net free.fr sfr.fr libero.it virgilio.it tiscali.it alice.it bluewin.ch
		comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net btinternet.com sky.com talktalk.net
		qq.com 163.com 126.com naver.com daum.net hanmail.net yandex.ru yandex.com rambler.ru ukr.net wp.pl onet.pl o2.pl interia.pl
		seznam.cz centrum.cz email.cz abv.bg zoho.com fastmail.com hushmail.com inbox.com inbox.lv mail.bg gmail.example
		hey.com cloud.com cloud.de icloud.net ig.com.br uol.com.br bol.com.br terra.com.br rediffmail.com
		gemail.com grail.com gail.com fmail.com tmail.com amail.com zmail.ru gmailbox.de hotmailer.de outlooks.com
		online.no telenor.no telia.com home.nl ziggo.nl kpnmail.nl planet.nl xs4all.nl skynet.be telenet.be proximus.be
		example.org example.com company.co company.cm startup.co x.com y.de`
	for domain := range strings.FieldsSeq(domains) {
		if got := suggestDomain(domain); got != "" {
			t.Errorf("suggestDomain(%s) = %q, but it is real", domain, got)
		}
	}
}

func FuzzSuggestDomain(f *testing.F) {
	f.Add("gmial.com")
	f.Add("hotmial.co.uk")
	f.Fuzz(func(t *testing.T, domain string) {
		meant := suggestDomain(domain)
		if meant != "" && (meant == domain || suggestDomain(meant) != "") {
			t.Fatalf("%q: %q", domain, meant)
		}
	})
}

func BenchmarkSuggestDomain(b *testing.B) {
	for b.Loop() {
		_ = suggestDomain("example.org")
	}
}
