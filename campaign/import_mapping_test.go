package campaign

import (
	"maps"
	"testing"
	"unicode"
)

func TestParseMapping(t *testing.T) {
	tests := []struct {
		in   string
		want Mapping
	}{
		{"", Mapping{}},
		{"email=E-Mail", Mapping{"email": "E-Mail"}},
		{`email="E-Mail", Full Name = Full name ,`, Mapping{"email": "E-Mail", "full_name": "Full name"}},
		{`email="a,""b""=c" ,name=3`, Mapping{"email": `a,"b"=c`, "name": "3"}},
	}
	for _, tt := range tests {
		got, err := ParseMapping(tt.in)
		if err != nil || !maps.Equal(got, tt.want) {
			t.Errorf("ParseMapping(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
	for in, want := range map[string]string{
		"email":        `mapping "email": "email" has no =; write field=column`,
		"=x":           `mapping "=x": "" is no name for a field; use Latin letters and digits`,
		"名=x":          `mapping "名=x": "名" is no name for a field; use Latin letters and digits`,
		"email=":       `mapping "email=": no column after email=`,
		`email="x`:     `mapping "email=\"x": a quotation mark after email= is not closed or something follows it`,
		`email="x"y`:   `mapping "email=\"x\"y": a quotation mark after email= is not closed or something follows it`,
		"a=x,b=y,A =z": `mapping "a=x,b=y,A =z": a is mapped twice`,
	} {
		if got, err := ParseMapping(in); err == nil || err.Error() != want {
			t.Errorf("ParseMapping(%q) = %v, %v; want %s", in, got, err, want)
		}
	}
}

func FuzzParseMapping(f *testing.F) {
	f.Add(`email="E-Mail",name=Full name`)
	f.Add(`a="""",b= x `)
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMapping(s)
		if err != nil {
			return
		}
		again, err := ParseMapping(m.String())
		if err != nil || !maps.Equal(again, m) {
			t.Fatalf("%q: %v becomes %v, %v", s, m, again, err)
		}
	})
}

func TestAttributeName(t *testing.T) {
	for column, want := range map[string]string{
		"Vorname": "vorname", "Date of birth": "date_of_birth", " E-Mail (privat) ": "e_mail_privat", "Größe": "grosse",
		"Prénom": "prenom", "Łódź": "lodz", "2nd name": "_2nd_name", "a.b": "a_b", "ＦＵＬＬ": "full", "名前": "", "__x__": "x", "½": "_1_2",
	} {
		if got := FieldName(column); got != want {
			t.Errorf("FieldName(%q) = %q, want %q", column, got, want)
		}
	}
}

func FuzzAttributeName(f *testing.F) {
	f.Add("Größe der Füße")
	f.Fuzz(func(t *testing.T, column string) {
		name := FieldName(column)
		for i, r := range name {
			if r > unicode.MaxASCII || !(r == '_' || r >= 'a' && r <= 'z' || i > 0 && r >= '0' && r <= '9') {
				t.Fatalf("FieldName(%q) = %q", column, name)
			}
		}
		if again := FieldName(name); name != "" && again != name {
			t.Fatalf("FieldName(%q) = %q, then %q", column, name, again)
		}
	})
}

func TestGuess(t *testing.T) {
	tests := []struct{ name, content, want string }{
		{"header", "Name,Email\nBo,a@x.de\n", `email="Email",name="Name"`},
		{"first and last", "Name;Vorname;E-Mail-Adresse\nNg;Bo;a@x.de\n", `email="E-Mail-Adresse",first_name="Vorname",last_name="Name"`},
		{"French", "Nom,Prénom,Courriel\nNg,Bo,a@x.de\n", `email="Courriel",first_name="Prénom",last_name="Nom"`},
		{"another script", "имя,электронная почта\nБо,a@x.de\n", `column_1="имя",email="электронная почта"`},
		{"content", "who,where\nBo,a@x.de\n", `email="where",who="who"`},
		{"content against header", "email,contact\nyes,a@x.de\nno,b@x.de\n", `email="contact",email_2="email"`},
		{"no header", "Bo,a@x.de\n", `column_1="column 1",email="column 2"`},
		{"two addresses", "work email,email\na@x.de,b@x.de\n", `email="work email",email_2="email"`},
		{"header alone", "name,e-mail\n", `email="e-mail",name="name"`},
		{"name and display name", "name,email\nBo,Zoë <a@x.de>\n", `email="email",name="name"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			report := mustImport(t, Importer{Store: newFakeImports()}, "l.csv", tt.content)
			if got := report.Mapping.String(); got != tt.want {
				t.Errorf("mapping %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMappingGiven(t *testing.T) {
	const content = "Contact,Vorname,Email\na@x.de,Bo,old@x.de\n"
	tests := []struct{ mapping, want, contact string }{
		{"email=contact", `email="Contact",email_2="Email",vorname="Vorname"`, `a@x.de {"email_2":"old@x.de","vorname":"Bo"}`},
		{"name=2", `contact="Contact",email="Email",name="Vorname"`, `old@x.de {"contact":"a@x.de","name":"Bo"}`},
	}
	for _, tt := range tests {
		m, err := ParseMapping(tt.mapping)
		if err != nil {
			t.Fatal(err)
		}
		s := newFakeImports()
		report := mustImport(t, Importer{Store: s, Mapping: m}, "l.csv", content)
		if report.Mapping.String() != tt.want || s.dump()[0] != tt.contact {
			t.Errorf("%s: %s, %q", tt.mapping, report.Mapping, s.dump())
		}
	}
	for mapping, want := range map[string]string{
		"email=Mail":            `l.csv: there is no column "Mail" for email (columns: Contact, Vorname, Email)`,
		"email=9":               `l.csv: there is no column "9" for email (columns: Contact, Vorname, Email)`,
		"email=Email,a=Contact": "",
	} {
		m, err := ParseMapping(mapping)
		if err != nil {
			t.Fatal(err)
		}
		im := Importer{Store: newFakeImports(), List: 1, Mapping: m}
		_, err = im.Run(t.Context(), openList(t, "l.csv", content), importTime)
		if got := errorText(err); got != want {
			t.Errorf("%s: %s, want %s", mapping, got, want)
		}
	}
	im := Importer{Store: newFakeImports(), List: 1, Mapping: Mapping{"email": "Email", "b": "Email"}}
	_, err := im.Run(t.Context(), openList(t, "l.csv", content), importTime)
	if want := `l.csv: the column "Email" is mapped to b and email; choose one`; errorText(err) != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
