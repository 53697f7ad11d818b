; A folder in PATH and out of it. NSIS cuts strings at 1024 characters, and many a PATH is longer:
; a cut one would be lost. So it never is in a variable of NSIS, only in memory of Windows.
; It is held as ";first;second;", in which a whole entry can be searched for.

!define KEY_READ_WRITE_64 0x2011F
!define PATH_OF_USER "Environment"
!define PATH_OF_MACHINE "SYSTEM\CurrentControlSet\Control\Session Manager\Environment"

; $1 key, $2 type of the value, $4 text, or all 0 if there is none. Room for FOLDER and two marks.
!macro OpenPath FOLDER
  StrCpy $4 0
  StrLen $5 "${FOLDER}"
  StrCpy $6 0x80000001
  StrCpy $7 "${PATH_OF_USER}"
  ; $SMPROGRAMS tells which context holds.
  StrCpy $8 $SMPROGRAMS
  SetShellVarContext current
  ${If} $8 != $SMPROGRAMS
    SetShellVarContext all
    StrCpy $6 0x80000002
    StrCpy $7 "${PATH_OF_MACHINE}"
  ${EndIf}
  System::Call 'advapi32::RegOpenKeyExW(p r6, w r7, i 0, i ${KEY_READ_WRITE_64}, *p .r1) i.r0'
  ${If} $0 = 0
    System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, *i .r2, p 0, *i 0 r3) i.r0'
    ${If} $0 <> 0
      StrCpy $2 2 ; REG_EXPAND_SZ
      StrCpy $3 0
    ${EndIf}
    IntOp $0 $3 + 16
    IntOp $5 $5 * 2
    IntOp $0 $0 + $5
    System::Alloc $0 ; all 0
    Pop $4
    System::Call 'kernel32::lstrcpyW(p r4, w ";")'
    ${If} $3 > 0
      IntPtrOp $5 $4 + 2
      System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, p 0, p r5, *i r3 r3)'
      System::Call 'kernel32::lstrcatW(p r4, w ";")'
    ${EndIf}
  ${EndIf}
!macroend

; Write what stands between the first mark and the last.
!macro ClosePath
  System::Call 'kernel32::lstrlenW(p r4) i.r0'
  ${If} $0 <= 1
    System::Call 'advapi32::RegDeleteValueW(p r1, w "Path")'
  ${Else}
    IntOp $0 $0 - 1
    IntOp $5 $0 * 2
    IntPtrOp $5 $4 + $5
    System::Call 'kernel32::RtlZeroMemory(p r5, p 2)'
    IntPtrOp $5 $4 + 2
    IntOp $0 $0 * 2 ; the text without its first mark, with its end
    System::Call 'advapi32::RegSetValueExW(p r1, w "Path", i 0, i r2, p r5, i r0)'
  ${EndIf}
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
!macroend

!macro FreePath
  ${If} $4 P<> 0
    System::Free $4
    System::Call 'advapi32::RegCloseKey(p r1)'
  ${EndIf}
!macroend

!macro AddToPath FOLDER
  !insertmacro OpenPath "${FOLDER}"
  ${If} $4 P<> 0
    System::Call 'shlwapi::StrStrIW(p r4, w ";${FOLDER};") p.r0'
    ${If} $0 P= 0
      System::Call 'kernel32::lstrcatW(p r4, w "${FOLDER};")'
      !insertmacro ClosePath
    ${EndIf}
  ${EndIf}
  !insertmacro FreePath
!macroend

!macro RemoveFromPath FOLDER
  !insertmacro OpenPath "${FOLDER}"
  ${If} $4 P<> 0
    System::Call 'shlwapi::StrStrIW(p r4, w ";${FOLDER};") p.r0'
    ${If} $0 P<> 0
      StrLen $5 ";${FOLDER}"
      IntOp $5 $5 * 2
      IntPtrOp $5 $0 + $5
      System::Call 'kernel32::lstrlenW(p r5) i.r3'
      IntOp $3 $3 + 1
      IntOp $3 $3 * 2
      System::Call 'kernel32::RtlMoveMemory(p r0, p r5, p r3)'
      !insertmacro ClosePath
    ${EndIf}
  ${EndIf}
  !insertmacro FreePath
!macroend
