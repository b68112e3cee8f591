// Package useragent says which program sent a request, by its User-Agent.
//
// It reads with the expressions of ua-parser (uap-go). What was seen lately is
// remembered, within a bound.
package useragent
