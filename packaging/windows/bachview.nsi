; The installer for Windows, per user or per machine. `python -m tools.installers windows` compiles
; it with makensis 3.08 or newer and gives these symbols:
;
;   VERSION     as people read it
;   ORDER       four numbers that order releases, also those before the final one
;   GENERATED   folder of files.nsh (what is installed) and associations.nsh (types of files)
;   LICENSE     the licence, as text
;   ICON        the icon
;   OUTPUT      the installer
;   SIZE_KB     what the installed files take
;   FAST        (may be missing) compress quickly: for trials
;   SIGN        (may be missing) the command that signs the file named as its last argument
;
; Exit codes: see exit_codes.nsh. Switches: see packaging/README.md.

Target amd64-unicode
ManifestSupportedOS Win10
ManifestDPIAware true
ManifestLongPathAware true

!ifdef FAST
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64
!endif
!ifdef SIGN
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif

!define APP "bachview"
; The program with the window; that of the terminal has the name of the application.
!define VIEWER "${APP}-viewer.exe"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${APP}"
!define APP_PATH_KEY "Software\Microsoft\Windows\CurrentVersion\App Paths\${APP}.exe"
!define SHORTCUT "$SMPROGRAMS\${APP}.lnk"

; With "Highest" an administrator is asked and may choose, and anyone else installs for themselves.
!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_NOUNINSTALL
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_INSTALLMODE_INSTDIR "${APP}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "${UNINSTALL_KEY}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "InstallLocation"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "${UNINSTALL_KEY}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "UninstallString"
!define MULTIUSER_INSTALLMODE_FUNCTION OnMode

!include MultiUser.nsh
!include MUI2.nsh
!include Sections.nsh
!include WinVer.nsh
!include WordFunc.nsh
!include FileFunc.nsh
!include "exit_codes.nsh"
!include "search_path.nsh"
!include "file_types.nsh"
!include "running.nsh"
!include "${GENERATED}/files.nsh"
!include "${GENERATED}/associations.nsh"

Name "${APP}"
OutFile "${OUTPUT}"
BrandingText "${APP} ${VERSION} - for research use only"
AllowSkipFiles off
ShowInstDetails nevershow
ShowUninstDetails nevershow

VIProductVersion "${ORDER}"
VIFileVersion "${ORDER}"
VIAddVersionKey ProductName "${APP}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey FileDescription "${APP} ${VERSION} installer"
VIAddVersionKey CompanyName "The bachview developers"
VIAddVersionKey LegalCopyright "The bachview developers; MIT License"

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENSE}"
!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
; By way of the Explorer, so that the program does not run as the administrator who installed it.
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_FUNCTION Start
!define MUI_FINISHPAGE_RUN_TEXT "Start ${APP}"
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; From /D; the pages and the mode would replace it.
Var GivenFolder
Var OldFolder
Var OldVersion

Section "${APP}" Main
  SectionIn RO
  Call Check
  Call RemoveOldVersion
  SetOutPath "$INSTDIR"
  !insertmacro INSTALL_FILES
  WriteUninstaller "$INSTDIR\uninstall.exe"

  WriteRegStr SHCTX "${APP_PATH_KEY}" "" "$INSTDIR\${VIEWER}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" DisplayName "${APP}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" DisplayVersion "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" VersionOrder "${ORDER}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" DisplayIcon "$INSTDIR\${VIEWER},0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" Publisher "The bachview developers"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" InstallLocation "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" EstimatedSize ${SIZE_KB}
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" NoModify 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" NoRepair 1
  ; What was chosen holds for the next version, too.
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenTypes 0
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenMenu 0
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenPath 0
SectionEnd

Section "Types of files" Types
  !insertmacro ASSOCIATE_ALL
  !insertmacro TellShell
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenTypes 1
SectionEnd

Section "Start menu" Menu
  SetOutPath "$INSTDIR"
  CreateShortcut "${SHORTCUT}" "$INSTDIR\${VIEWER}"
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenMenu 1
SectionEnd

Section /o "Command line in PATH" Path
  !insertmacro AddToPath "$INSTDIR"
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" ChosenPath 1
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${Main} "The viewer and the command line, with the default bundle."
  !insertmacro MUI_DESCRIPTION_TEXT ${Types} "${APP} is offered for slides and bundles. Where another program opens a type of file now, it goes on doing so."
  !insertmacro MUI_DESCRIPTION_TEXT ${Menu} "An entry in the Start menu."
  !insertmacro MUI_DESCRIPTION_TEXT ${Path} "Type ${APP} in a terminal to classify slides without the window."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
  StrCpy $GivenFolder $INSTDIR
  SetRegView 64
  !insertmacro OpenLog "${APP} ${VERSION}: setup"
  ${IfNot} ${AtLeastBuild} 17763
    !insertmacro Refuse ${EXIT_OLD_WINDOWS} "${APP} needs Windows 10 1809 or newer. Nothing was changed."
  ${EndIf}
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "${APP}-setup") p.r0 ?e'
  Pop $1
  ${If} $1 = 183 ; ERROR_ALREADY_EXISTS
    !insertmacro Refuse ${EXIT_SETUP_RUNS} "Another setup of ${APP} is running; let it finish first. Nothing was changed."
  ${EndIf}
  ; Before MultiUser finds out, which would open a window in a silent installation, too.
  ${GetParameters} $R0
  ${GetOptions} $R0 "/AllUsers" $0
  ${IfNot} ${Errors}
    UserInfo::GetAccountType
    Pop $0
    ${If} $0 != "Admin"
      !insertmacro Refuse ${EXIT_NO_ADMINISTRATOR} "Only an administrator can install ${APP} for all users; without /AllUsers it is installed for you. Nothing was changed."
    ${EndIf}
  ${EndIf}
  !insertmacro MULTIUSER_INIT
FunctionEnd

; After each choice between per user and per machine.
Function OnMode
  ${If} $GivenFolder != ""
    StrCpy $INSTDIR $GivenFolder
  ${EndIf}
  ReadRegStr $OldFolder SHCTX "${UNINSTALL_KEY}" InstallLocation
  ReadRegStr $OldVersion SHCTX "${UNINSTALL_KEY}" DisplayVersion
  !insertmacro Choose ${Types} ChosenTypes "/TYPES=" 1
  !insertmacro Choose ${Menu} ChosenMenu "/MENU=" 1
  !insertmacro Choose ${Path} ChosenPath "/PATH=" 0
FunctionEnd

; The last moment before anything is changed.
Function Check
  ; C:\folder\ is C:\folder; entries are compared as text.
  StrCpy $0 $INSTDIR 1 -1
  ${If} $0 == "\"
    StrCpy $INSTDIR $INSTDIR -1
  ${EndIf}
  !insertmacro Say "mode $MultiUser.InstallMode, folder $INSTDIR"
  ReadRegStr $0 SHCTX "${UNINSTALL_KEY}" VersionOrder
  ${If} $0 != ""
    ${VersionCompare} "$0" "${ORDER}" $1
    ${If} $1 = 1
      !insertmacro Refuse ${EXIT_NEWER_INSTALLED} "${APP} $OldVersion is installed, which is newer than ${VERSION}: its results may not be readable by an older version. Uninstall it first if you do want ${VERSION}; results are kept. Nothing was changed."
    ${EndIf}
  ${EndIf}
  ${If} $OldFolder != ""
    !insertmacro WaitUntilClosed "$OldFolder" ""
  ${EndIf}
  !insertmacro WaitUntilClosed "$INSTDIR" ""
  ClearErrors
  ${GetRoot} "$INSTDIR" $0
  ${DriveSpace} "$0\" "/D=F /S=M" $1
  ${IfNot} ${Errors}
    IntOp $2 ${SIZE_KB} / 1024
    ${If} $1 < $2
      !insertmacro Refuse ${EXIT_NO_SPACE} "$0 has $1 MB free, and ${APP} needs $2 MB: free some space or choose another folder. Nothing was changed."
    ${EndIf}
  ${EndIf}
  ClearErrors
  CreateDirectory "$INSTDIR"
  ${If} ${Errors}
    !insertmacro Refuse ${EXIT_NOT_WRITABLE} "$INSTDIR cannot be written: choose another folder. Nothing was changed."
  ${EndIf}
FunctionEnd

; Its own uninstaller knows which files are its. Results and what was chosen stay.
Function RemoveOldVersion
  ${If} $OldFolder != ""
  ${AndIf} ${FileExists} "$OldFolder\uninstall.exe"
    !insertmacro Say "removing $OldVersion from $OldFolder"
    ExecWait '"$OldFolder\uninstall.exe" /S /UPGRADE _?=$OldFolder' $0
    ${If} $0 != 0
      !insertmacro Refuse ${EXIT_OLD_STAYS} "${APP} $OldVersion could not be removed: restart Windows and try again. It is still installed."
    ${EndIf}
    ${If} $OldFolder != $INSTDIR
      Delete "$OldFolder\uninstall.exe"
      RMDir "$OldFolder"
    ${EndIf}
  ${EndIf}
FunctionEnd

Function Start
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\${VIEWER}"'
FunctionEnd

Function .onInstSuccess
  !insertmacro Say "installed"
FunctionEnd

Section "un.${APP}" un.Main
  SectionIn RO
  !insertmacro WaitUntilClosed "$INSTDIR" "un."
  !insertmacro RemoveFromPath "$INSTDIR"
  !insertmacro DISSOCIATE_ALL
  !insertmacro TellShell
  Delete "${SHORTCUT}"
  ClearErrors
  !insertmacro REMOVE_FILES
  ${If} ${FileExists} "$INSTDIR\${VIEWER}"
    !insertmacro Refuse ${EXIT_OLD_STAYS} "$INSTDIR\${VIEWER} cannot be deleted: restart Windows and try again."
  ${EndIf}
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/UPGRADE" $0
  ${If} ${Errors}
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR" ; stays if anything of others is in it
    DeleteRegKey SHCTX "${APP_PATH_KEY}"
    DeleteRegKey SHCTX "${UNINSTALL_KEY}"
    !insertmacro Say "uninstalled"
  ${EndIf}
SectionEnd

; Only those of the account that runs this: nobody deletes what others measured.
Section /o "un.Results and settings of this user" un.Data
  SetShellVarContext current
  !insertmacro Say "removing $LOCALAPPDATA\${APP}"
  RMDir /r "$LOCALAPPDATA\${APP}"
SectionEnd

!insertmacro MUI_UNFUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${un.Main} "The program. Results and settings stay."
  !insertmacro MUI_DESCRIPTION_TEXT ${un.Data} "Delete your results, corrections and settings as well, for ever. Those of other users stay."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function un.onInit
  SetRegView 64
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/UPGRADE" $0
  ${If} ${Errors} ; else the installer's log goes on
    !insertmacro OpenLog "${APP} ${VERSION}: removal from $INSTDIR"
  ${EndIf}
  SetShellVarContext current
  ReadRegStr $0 HKLM "${UNINSTALL_KEY}" InstallLocation
  ${If} $0 == $INSTDIR
    UserInfo::GetAccountType
    Pop $0
    ${If} $0 != "Admin"
      !insertmacro Refuse ${EXIT_NO_ADMINISTRATOR} "${APP} is installed for all users, and only an administrator can remove it. Nothing was changed."
    ${EndIf}
    SetShellVarContext all
  ${EndIf}
  ClearErrors
  ${GetOptions} $R0 "/REMOVEDATA" $0
  ${IfNot} ${Errors}
    !insertmacro SelectSection ${un.Data}
  ${EndIf}
FunctionEnd
