package main

import "fmt"

// hostLog hands a line to the host. Levels: 1 info, 2 warning, 3 error.
//
//go:wasmimport corvo log
func hostLog(level int32, text string)

// logger is what the library says. What it would end the process with is a panic here, which guard catches.
type logger struct{}

func (logger) Debug(...any)                {}
func (logger) Debugf(string, ...any)       {}
func (logger) Info(v ...any)               { hostLog(1, fmt.Sprint(v...)) }
func (logger) Infof(f string, v ...any)    { hostLog(1, fmt.Sprintf(f, v...)) }
func (logger) Warning(v ...any)            { hostLog(2, fmt.Sprint(v...)) }
func (logger) Warningf(f string, v ...any) { hostLog(2, fmt.Sprintf(f, v...)) }
func (logger) Error(v ...any)              { hostLog(3, fmt.Sprint(v...)) }
func (logger) Errorf(f string, v ...any)   { hostLog(3, fmt.Sprintf(f, v...)) }
func (logger) Fatal(v ...any)              { panic(fmt.Sprint(v...)) }
func (logger) Fatalf(f string, v ...any)   { panic(fmt.Sprintf(f, v...)) }
func (logger) Panic(v ...any)              { panic(fmt.Sprint(v...)) }
func (logger) Panicf(f string, v ...any)   { panic(fmt.Sprintf(f, v...)) }
