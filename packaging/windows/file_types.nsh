; Types of files. Each has a class of ours (its ProgID), which is offered beside the others; it
; becomes the default only where there is none, and what a user chose in Windows wins anyway.

!include WinMessages.nsh

!define CLASSES "Software\Classes"
!define CAPABILITIES "Software\${APP}\Capabilities"
!define SHCNE_ASSOCCHANGED 0x08000000

!macro BeginAssociations
  WriteRegStr SHCTX "${CAPABILITIES}" ApplicationName "${APP}"
  WriteRegStr SHCTX "${CAPABILITIES}" ApplicationDescription "Viewer for whole-slide images"
  WriteRegStr SHCTX "Software\RegisteredApplications" "${APP}" "${CAPABILITIES}"
  WriteRegStr SHCTX "${CLASSES}\Applications\${VIEWER}\shell\open\command" "" '"$INSTDIR\${VIEWER}" "%1"'
!macroend

; TAKE: whether it may become the default where there is none.
!macro Associate SUFFIX PROGID TEXT TAKE
  WriteRegStr SHCTX "${CLASSES}\${PROGID}" "" "${TEXT}"
  WriteRegStr SHCTX "${CLASSES}\${PROGID}\DefaultIcon" "" '"$INSTDIR\${VIEWER}",0'
  WriteRegStr SHCTX "${CLASSES}\${PROGID}\shell\open\command" "" '"$INSTDIR\${VIEWER}" "%1"'
  WriteRegNone SHCTX "${CLASSES}\${SUFFIX}\OpenWithProgids" "${PROGID}"
  WriteRegStr SHCTX "${CLASSES}\Applications\${VIEWER}\SupportedTypes" "${SUFFIX}" ""
  WriteRegStr SHCTX "${CAPABILITIES}\FileAssociations" "${SUFFIX}" "${PROGID}"
  !if ${TAKE} = 1
    ReadRegStr $0 HKCR "${SUFFIX}" ""
    ${If} $0 == ""
      WriteRegStr SHCTX "${CLASSES}\${SUFFIX}" "" "${PROGID}"
    ${EndIf}
  !endif
!macroend

!macro Dissociate SUFFIX PROGID
  DeleteRegKey SHCTX "${CLASSES}\${PROGID}"
  DeleteRegValue SHCTX "${CLASSES}\${SUFFIX}\OpenWithProgids" "${PROGID}"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\${SUFFIX}\OpenWithProgids"
  ReadRegStr $0 SHCTX "${CLASSES}\${SUFFIX}" ""
  ${If} $0 == "${PROGID}"
    DeleteRegValue SHCTX "${CLASSES}\${SUFFIX}" ""
  ${EndIf}
  DeleteRegKey /ifempty SHCTX "${CLASSES}\${SUFFIX}"
!macroend

!macro EndDissociations
  DeleteRegKey SHCTX "${CLASSES}\Applications\${VIEWER}"
  DeleteRegValue SHCTX "Software\RegisteredApplications" "${APP}"
  DeleteRegKey SHCTX "${CAPABILITIES}"
  DeleteRegKey /ifempty SHCTX "Software\${APP}"
!macroend

!macro TellShell
  System::Call 'shell32::SHChangeNotify(i ${SHCNE_ASSOCCHANGED}, i 0, p 0, p 0)'
!macroend
