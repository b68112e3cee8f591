// Package weburl splits web addresses into the attributes that logs have of them.
//
// It knows texts and JSON values. It repairs nothing: escapes stay as they are
// written, and what is not in the text is not in the result.
package weburl
