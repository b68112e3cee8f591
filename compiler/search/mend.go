package search

import (
	"errors"
	"strings"
	"unicode/utf8"

	"nightjar/schema"
)

// Mistakes that can be mended; the rest of them is for people.
const (
	endsEarly    = "the query ends where a term is expected"
	neverClosed  = "this parenthesis is never closed"
	quoteOpen    = "the quote is never closed"
	closesNone   = "this parenthesis closes nothing"
	nothingIn    = "there is nothing in these parentheses"
	termBefore   = "expected a term before "
	valueAfter   = "expected a value after "
	toExpected   = "expected TO in this range"
	mostMends    = 4
	longestMends = 16 << 10 // bytes of a query that is mended
)

// Mend is a query that can't be read with as little changed as makes it readable, and what
// that is, in a few words for whoever is offered it: "Remove OR and close the group".
// Nothing is mended of a query that can be read, nor where it is not clear what was meant.
func Mend(text string) (mended, does string, ok bool) {
	if len(text) > longestMends {
		return "", "", false
	}
	mended = text
	var all []string
	for range mostMends {
		_, err := Parse(mended)
		if err == nil {
			return mended, sentence(all), len(all) > 0
		}
		var wrong *schema.SyntaxError
		if !errors.As(err, &wrong) {
			return "", "", false
		}
		next, what := mend(mended, offsetOf(mended, wrong), wrong.Message)
		if what == "" || strings.TrimSpace(next) == "" {
			return "", "", false
		}
		mended = next
		all = append(all, what)
	}
	_, err := Parse(mended)
	return mended, sentence(all), err == nil
}

// mend undoes one mistake; what is empty where nothing is known to.
func mend(text string, at int, message string) (mended, what string) {
	rest := text[at:]
	switch {
	case message == endsEarly:
		return withoutOperator(text)
	case message == neverClosed:
		return strings.TrimRight(text, " ") + ")", "close the group"
	case message == quoteOpen:
		return text + `"`, "close the quote"
	case message == closesNone && rest != "":
		return strings.TrimSpace(text[:at] + rest[1:]), "remove )"
	case message == nothingIn:
		return strings.TrimSpace(text[:at] + rest[strings.IndexByte(rest, ')')+1:]), "remove ()"
	case strings.HasPrefix(message, termBefore):
		for _, operator := range operators {
			if after, found := strings.CutPrefix(rest, operator); found {
				return strings.TrimSpace(text[:at] + strings.TrimLeft(after, " ")), "remove " + operator
			}
		}
	case strings.HasPrefix(message, valueAfter) && strings.TrimSpace(rest) != "" && isSpace(rest[0]):
		return text[:at] + strings.TrimLeft(rest, " \t\r\n"), "remove the space"
	case message == toExpected && strings.HasPrefix(strings.ToUpper(rest), "TO"):
		return text[:at] + "TO" + rest[2:], "write TO"
	}
	return "", ""
}

var operators = []string{"AND", "OR", "NOT", "&&", "||"}

// withoutOperator is the query without the operators that stand at its end.
func withoutOperator(text string) (mended, what string) {
	mended = strings.TrimRight(text, " \t\r\n")
	for _, operator := range append([]string{"-", "!", "+"}, operators...) {
		if rest, found := strings.CutSuffix(mended, operator); found && (rest == "" || strings.ContainsAny(rest[len(rest)-1:], " ()\t\n")) {
			return strings.TrimRight(rest, " \t\r\n"), "remove " + operator
		}
	}
	return "", ""
}

// offsetOf is where in the text a mistake is, in bytes.
func offsetOf(text string, wrong *schema.SyntaxError) int {
	at := 0
	for range wrong.Line - 1 {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	for range wrong.Column - 1 {
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at
}

// sentence joins what is done: each once, the first with a capital.
func sentence(parts []string) string {
	var said []string
	for _, p := range parts {
		if len(said) == 0 || said[len(said)-1] != p {
			said = append(said, p)
		}
	}
	text := strings.Join(said, " and ")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
