// Package notifications serves who is told of signals: rules, targets, mutes, and what
// was told. Start at NotificationService. It sends nothing itself (notify does).
//
// Who may change targets has no secret sent to himself: TestNobodyIsToldByTheSecretOfAnother,
// TestWhoNamesASecretOfTheOperator.
package notifications
