; How the setup ends when it refuses, and how it says so: in a window, or, if it is silent, in
; %TEMP%\bachview-setup.log alone.

!define EXIT_NEWER_INSTALLED 10
!define EXIT_RUNNING 11
!define EXIT_NO_ADMINISTRATOR 12
!define EXIT_NO_SPACE 13
!define EXIT_NOT_WRITABLE 14
!define EXIT_OLD_WINDOWS 15
!define EXIT_SETUP_RUNS 16
!define EXIT_OLD_STAYS 17

!define LOG "$TEMP\bachview-setup.log"

!macro OpenLog TEXT
  Delete "${LOG}"
  !insertmacro Say "${TEXT}"
!macroend

; One line for the log, as UTF-16 with its mark.
!macro Say TEXT
  Push $9
  FileOpen $9 "${LOG}" a
  FileSeek $9 0 END
  FileWriteUTF16LE /BOM $9 "${TEXT}$\r$\n"
  FileClose $9
  Pop $9
!macroend

!macro Refuse CODE TEXT
  !insertmacro Say "${TEXT}"
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend

; Select a section by a switch, by what was chosen before, or by its default.
!macro Choose SECTION VALUE SWITCH DEFAULT
  ClearErrors
  ReadRegDWORD $0 SHCTX "${UNINSTALL_KEY}" ${VALUE}
  ${If} ${Errors}
    StrCpy $0 ${DEFAULT}
  ${EndIf}
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "${SWITCH}" $1
  ${IfNot} ${Errors}
    StrCpy $0 $1
  ${EndIf}
  ${If} $0 = 0
    !insertmacro UnselectSection ${SECTION}
  ${Else}
    !insertmacro SelectSection ${SECTION}
  ${EndIf}
!macroend
