package pipeline

import (
	"regexp"
	"strings"
)

// secret is a kind of secret, or of what is personal: how it is made.
type secret struct {
	name string
	expr *regexp.Regexp // what is redacted is its first group, or all of it
	// may tells quickly of most texts that there is none; nil: they are all searched.
	may func(text string) bool
	// is checks what was found; nil: it is one.
	is func(found string) bool
}

// secrets are those that are known by name, in the order in which they are looked for: a
// password in a URL looks like the name of a mailbox.
var secrets = []secret{
	{"private_key", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`), containing("PRIVATE KEY-----"), nil},
	{"url_password", regexp.MustCompile(`://[^/\s:@"]*:([^@/\s"]+)@`), containing("://"), nil},
	{"bearer_token", regexp.MustCompile(`(?i)\bbearer[ :=]+([A-Za-z0-9._~+/-]{8,}=*)`), containing("earer", "EARER"), nil},
	{"jwt", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*`), containing("eyJ"), nil},
	{"aws_access_key", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`), containing("AKIA", "ASIA"), nil},
	{"aws_secret_key", regexp.MustCompile(`(?i)secret_?(?:access_?)?key\\?["']?\s*[:=]\s*\\?["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+]|$)`), containing("ey"), nil},
	{"card_number", regexp.MustCompile(`\b\d(?:[ -]?\d){11,18}\b`), hasDigit, isCard},
	{"iban", regexp.MustCompile(`\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b`), hasDigit, isIBAN},
	{"email", regexp.MustCompile(`[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`), containing("@"), nil},
}

func containing(parts ...string) func(string) bool {
	return func(text string) bool {
		for _, p := range parts {
			if strings.Contains(text, p) {
				return true
			}
		}
		return false
	}
}

func hasDigit(text string) bool { return len(text) >= 12 && strings.ContainsAny(text, "0123456789") }

// isCard reports whether digits are the number of a card: of a network's range and
// length, and with Luhn's check digit.
func isCard(found string) bool {
	digits := strings.NewReplacer(" ", "", "-", "").Replace(found)
	return isNetwork(digits) && luhn(digits)
}

// isNetwork knows the ranges of the large networks: numbers that merely pass Luhn's check,
// such as one of ten times in milliseconds, are no cards.
func isNetwork(d string) bool {
	n := len(d)
	between := func(digits int, from, to string) bool { return d[:digits] >= from && d[:digits] <= to }
	switch {
	case d[0] == '4':
		return n == 13 || n == 16 || n == 19
	case between(2, "51", "55"), between(4, "2221", "2720"):
		return n == 16
	case between(2, "34", "34"), between(2, "37", "37"):
		return n == 15
	case between(2, "36", "36"), between(2, "38", "39"), between(3, "300", "305"):
		return n >= 14
	case between(4, "3528", "3589"), between(4, "6011", "6011"), between(3, "644", "659"), between(2, "62", "62"):
		return n >= 16
	case between(2, "50", "50"), between(2, "56", "69"):
		return n >= 12
	}
	return false
}

// luhn checks the digit by Luhn's formula (ISO/IEC 7812-1, annex B).
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// isIBAN checks the two digits of an account number (ISO 13616, by ISO 7064 mod 97-10).
func isIBAN(found string) bool {
	s := strings.ReplaceAll(found, " ", "")
	if len(s) < 15 || len(s) > 34 {
		return false
	}
	rest := 0
	for _, c := range []byte(s[4:] + s[:4]) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
			continue
		}
		rest = (rest*10 + int(c-'0')) % 97
	}
	return rest == 1
}
