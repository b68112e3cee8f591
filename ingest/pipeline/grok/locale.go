package grok

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/cs"
	"github.com/go-playground/locales/da"
	"github.com/go-playground/locales/de"
	"github.com/go-playground/locales/en"
	"github.com/go-playground/locales/es"
	"github.com/go-playground/locales/fi"
	"github.com/go-playground/locales/fr"
	"github.com/go-playground/locales/hu"
	"github.com/go-playground/locales/it"
	"github.com/go-playground/locales/nb"
	"github.com/go-playground/locales/nl"
	"github.com/go-playground/locales/pl"
	"github.com/go-playground/locales/pt"
	"github.com/go-playground/locales/ro"
	"github.com/go-playground/locales/ru"
	"github.com/go-playground/locales/sv"
	"github.com/go-playground/locales/tr"
	"github.com/go-playground/locales/uk"
)

// dateNames are the names of months and days in a language, in any number of
// spellings: the first twelve, or seven, then the same months or days again.
type dateNames struct {
	shortMonths, months, shortDays, days []string
}

var english = makeNames(en.New())

var languages = map[string]func() locales.Translator{
	"cs": cs.New, "da": da.New, "de": de.New, "es": es.New, "fi": fi.New, "fr": fr.New, "hu": hu.New,
	"it": it.New, "nb": nb.New, "no": nb.New, "nl": nl.New, "pl": pl.New, "pt": pt.New, "ro": ro.New,
	"ru": ru.New, "sv": sv.New, "tr": tr.New, "uk": uk.New, "en": en.New,
}

func localeNames() []string { return slices.Sorted(maps.Keys(languages)) }

// namesOf are the names in a language, told by its BCP 47 tag; regions make no
// difference. nil: they are not known.
func namesOf(tag string) *dateNames {
	language, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(tag), "_", "-"), "-")
	if make := languages[language]; make != nil {
		return makeNames(make())
	}
	return nil
}

func makeNames(t locales.Translator) *dateNames {
	return &dateNames{
		shortMonths: spellings(t.MonthsAbbreviated()), months: spellings(t.MonthsWide()),
		shortDays: spellings(t.WeekdaysAbbreviated()), days: spellings(t.WeekdaysWide()),
	}
}

// spellings adds the names without the dots that some languages shorten with, and
// their first three letters.
func spellings(names []string) []string {
	if names[0] == "" {
		names = names[1:] // months are counted from 1
	}
	out := slices.Clone(names)
	if !slices.ContainsFunc(names, func(s string) bool { return strings.HasSuffix(s, ".") }) {
		return out
	}
	for _, n := range names {
		out = append(out, strings.TrimSuffix(n, "."))
	}
	return out
}
