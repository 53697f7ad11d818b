; Whether the program runs, of whichever user: Windows then lets nobody write to its file.

!macro WaitUntilClosed FOLDER UN
  !define TURN ${__COUNTER__}
  again_${TURN}:
  StrCpy $0 ""
  !insertmacro FindOpen "${FOLDER}\${VIEWER}"
  !insertmacro FindOpen "${FOLDER}\${APP}.exe"
  StrCmp $0 "" closed_${TURN}
  !insertmacro Say "$0 is running: close ${APP} (for all users of this computer) and try again. Nothing was changed."
  MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${APP} is running: close it, also where other users of this computer have it open, and try again." /SD IDCANCEL IDRETRY again_${TURN}
  SetErrorLevel ${EXIT_RUNNING}
  Quit
  closed_${TURN}:
  !undef TURN
!macroend

!macro FindOpen FILE
  ${If} ${FileExists} "${FILE}"
    ClearErrors
    FileOpen $1 "${FILE}" a
    ${If} ${Errors}
      StrCpy $0 "${FILE}"
    ${Else}
      FileClose $1
    ${EndIf}
  ${EndIf}
!macroend
