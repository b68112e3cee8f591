// Package backtests serves rules that are run over history: at once (RunBacktest), or
// as jobs whose signals are kept. Start at BacktestService.
package backtests
