package campaign

import (
	"fmt"
	"strings"

	"broadside/campaign/listfile"
)

// Column names by which lists call the fields that are guessed, as FieldName
// makes them, in the languages whose exports are met most.
var (
	emailHeaders = words(`email e_mail mail email_address e_mail_address mail_address emailaddress email_1 e_mail_1
		email_1_value e_mail_1_value primary_email work_email subscriber_email contact_email
		emailadresse e_mail_adresse mailadresse mail_adresse email_adresse
		courriel adresse_email adresse_e_mail adresse_mail adresse_courriel mel
		correo correo_electronico direccion_de_correo direccion_de_correo_electronico
		indirizzo_email indirizzo_e_mail posta_elettronica endereco_de_email endereco_eletronico
		emailadres e_mailadres e_mail_adres e_post epost e_postadress epostadress e_postadresse mejl
		sahkoposti sahkopostiosoite adres_email adres_e_mail eposta e_posta`)
	// Scripts of which FieldName leaves nothing.
	emailWords = words(`почта эл.почта e-mail-адрес メール メールアドレス 邮箱 邮件 电子邮件 电子邮箱 電子郵件 이메일 البريد דואל`)

	fullNameHeaders = words(`name full_name fullname complete_name display_name contact_name your_name
		vollstandiger_name ganzer_name kontaktname nom_complet nom_et_prenom prenom_et_nom nombre_completo nome_completo
		nome_e_cognome volledige_naam naam fullt_namn`)
	firstNameHeaders = words(`first_name first firstname fname given_name forename vorname prenom nombre nome primeiro_nome
		voornaam fornavn fornamn etunimi imie`)
	lastNameHeaders = words(`last_name last lastname lname surname family_name nachname familienname zuname nom_de_famille
		apellido apellidos cognome sobrenome apelido achternaam etternavn efternamn efternavn sukunimi nazwisko`)
	// Alone these mean the whole name, beside a first name the family's.
	ambiguousHeaders = words(`name nom naam namn navn`)
)

func words(list string) map[string]bool {
	set := make(map[string]bool)
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

func isEmailHeader(column string) bool {
	if emailHeaders[FieldName(column)] {
		return true
	}
	for w := range strings.FieldsSeq(strings.ToLower(column)) {
		if emailWords[w] {
			return true
		}
	}
	return false
}

// emailColumn finds the column with the addresses: the mapped one, else the one whose
// name says so and whose cells agree, else the one whose cells are addresses.
func emailColumn(given map[string]int, columns []string, head []listfile.Record) (int, error) {
	if column, ok := given["email"]; ok {
		return column, nil
	}
	best, bestScore := -1, 0
	for i, column := range columns {
		addresses, filled := 0, 0
		for _, rec := range head {
			if i < len(rec.Cells) && len(rec.Cells[i].Text) > 0 {
				filled++
				if _, _, err := appendAddress(nil, rec.Cells[i].Text); err == nil {
					addresses++
				}
			}
		}
		score := 0
		if addresses > 0 && addresses*4 >= filled { // not just one in some remarks
			score = 100 + addresses
		}
		if isEmailHeader(column) {
			score = score*10 + 1
		}
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("no column holds mail addresses; say which one becomes email (columns: %s)", listColumns(columns))
	}
	return best, nil
}

// guessNames adds name, first_name and last_name to the fields found so far, each
// from the first column that is called so.
func guessNames(found map[string]int, columns []string) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = FieldName(c)
	}
	guess := func(field string, headers map[string]bool) {
		if _, ok := found[field]; ok {
			return
		}
		for i, name := range names {
			if headers[name] && !mapped(found, i) {
				found[field] = i
				return
			}
		}
	}
	guess("first_name", firstNameHeaders)
	guess("last_name", lastNameHeaders)
	if _, ok := found["first_name"]; ok {
		guess("last_name", ambiguousHeaders)
	}
	guess("name", fullNameHeaders)
	guess("name", ambiguousHeaders)
}

func mapped(found map[string]int, column int) bool {
	for _, c := range found {
		if c == column {
			return true
		}
	}
	return false
}
