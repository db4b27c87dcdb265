package mx

import "strings"

// ProviderOfDomain returns the name of the provider behind a well-known mailbox
// domain without asking DNS. It is for sorting a list; Route decides where mail goes.
func ProviderOfDomain(domain string) (name string, ok bool) {
	name, ok = mailboxes[strings.ToLower(strings.TrimSuffix(domain, "."))]
	return name, ok
}

var mailboxes = func() map[string]string {
	m := make(map[string]string)
	for provider, domains := range map[string]string{
		"google": "gmail.com googlemail.com",
		"microsoft": "outlook.com outlook.at outlook.be outlook.cl outlook.cz outlook.de outlook.dk outlook.es outlook.fr " +
			"outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my outlook.ph outlook.pt " +
			"outlook.sa outlook.sg outlook.sk outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr " +
			"outlook.com.vn outlook.co.id outlook.co.il outlook.co.th " +
			"hotmail.com hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cl hotmail.com.ar hotmail.com.au hotmail.com.br " +
			"hotmail.com.tr hotmail.co.jp hotmail.co.nz hotmail.co.th hotmail.co.uk hotmail.co.za hotmail.de hotmail.dk " +
			"hotmail.es hotmail.fi hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.nl hotmail.no hotmail.se " +
			"live.com live.at live.be live.ca live.cl live.cn live.com.ar live.com.au live.com.mx live.com.pt live.co.uk " +
			"live.co.za live.de live.dk live.fi live.fr live.ie live.in live.it live.jp live.nl live.no live.ru live.se " +
			"msn.com passport.com windowslive.com",
		"yahoo": "yahoo.com yahoo.at yahoo.be yahoo.ca yahoo.ch yahoo.cl yahoo.co.id yahoo.co.in yahoo.co.kr yahoo.co.nz " +
			"yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br yahoo.com.co yahoo.com.hk " +
			"yahoo.com.mx yahoo.com.my yahoo.com.ph yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.ve yahoo.com.vn " +
			"yahoo.cz yahoo.de yahoo.dk yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hu yahoo.ie yahoo.in yahoo.it yahoo.nl " +
			"yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se ymail.com rocketmail.com myyahoo.com " +
			"aol.com aol.co.uk aol.de aol.es aol.fr aol.it aim.com love.com netscape.net verizon.net " +
			"att.net ameritech.net bellsouth.net flash.net nvbell.net pacbell.net prodigy.net sbcglobal.net snet.net swbell.net",
		"yahoojp":  "yahoo.co.jp ymail.ne.jp",
		"apple":    "icloud.com me.com mac.com",
		"comcast":  "comcast.net",
		"gmx":      "gmx.net gmx.de gmx.at gmx.ch gmx.com gmx.co.uk gmx.es gmx.eu gmx.fr gmx.info gmx.it gmx.li gmx.org gmx.us web.de",
		"orange":   "orange.fr wanadoo.fr",
		"qq":       "qq.com foxmail.com",
		"netease":  "163.com 126.com yeah.net",
		"mailru":   "mail.ru bk.ru inbox.ru list.ru internet.ru",
		"yandex":   "yandex.ru yandex.com yandex.by yandex.kz yandex.ua ya.ru",
		"laposte":  "laposte.net",
		"libero":   "libero.it inwind.it iol.it blu.it giallo.it",
		"tonline":  "t-online.de magenta.de",
		"ziggo":    "ziggo.nl",
		"zoho":     "zoho.com zohomail.com zohomail.eu zohomail.in",
		"fastmail": "fastmail.com fastmail.fm",
		"proton":   "proton.me protonmail.com protonmail.ch pm.me",
	} {
		for d := range strings.FieldsSeq(domains) {
			m[d] = provider
		}
	}
	return m
}()
