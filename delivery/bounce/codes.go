package bounce

import "strings"

// quotedCodes finds the SMTP code and the enhanced code that a text quotes, each the
// first of its kind: "host mx.example said: 550 5.1.1 no such user", "(#5.1.1)".
func quotedCodes(text string) (code int, enhanced string) {
	before := ""
	for word := range strings.FieldsSeq(text) {
		if code == 0 && (before == "" || strings.HasSuffix(before, ":") || strings.HasSuffix(before, ";") || before == "<<<") {
			code = smtpCode(word)
		}
		if enhanced == "" {
			enhanced = enhancedCode(word)
		}
		before = word
	}
	return code, enhanced
}

// smtpCode reads a word such as "550", "550-5.1.1" or "(550)"; 0 when it is none.
func smtpCode(word string) int {
	word = strings.TrimLeft(word, "('\"")
	if len(word) < 3 || word[0] != '4' && word[0] != '5' || !digit(word[1]) || !digit(word[2]) {
		return 0
	}
	if len(word) > 3 && !strings.ContainsRune("-,:)'\"", rune(word[3])) {
		return 0
	}
	return int(word[0]-'0')*100 + int(word[1]-'0')*10 + int(word[2]-'0')
}

// enhancedCode reads a word such as "5.1.1", "550-5.1.1" or "(#5.1.1)"; "" when it
// is none.
func enhancedCode(word string) string {
	if len(word) > 4 && word[3] == '-' && smtpCode(word) != 0 {
		word = word[4:]
	}
	word = strings.Trim(word, "()[]#,;:<>'\".")
	if isEnhanced(word) && word[0] != '2' {
		return word
	}
	return ""
}

// isEnhanced reports whether s is an enhanced status code (RFC 3463 §2).
func isEnhanced(s string) bool {
	if len(s) < 5 || s[1] != '.' || s[0] != '2' && s[0] != '4' && s[0] != '5' {
		return false
	}
	subject, detail, ok := strings.Cut(s[2:], ".")
	return ok && shortNumber(subject) && shortNumber(detail)
}

func shortNumber(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) {
			return false
		}
	}
	return 0 < len(s) && len(s) <= 3
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
