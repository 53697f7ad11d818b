/* Stands in for the programs of the payload where the installer is tried: writes what it was asked
 * to open to the folder of the results, as UTF-8, and runs until a file appears if told to wait. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

int wmain(int count, wchar_t **words)
{
    wchar_t place[1024];
    char line[4096];
    DWORD length = GetEnvironmentVariableW(L"LOCALAPPDATA", place, 900);
    if (length == 0 || length >= 900)
        return 3;
    if (count == 3 && wcscmp(words[1], L"--wait") == 0) {
        while (GetFileAttributesW(words[2]) == INVALID_FILE_ATTRIBUTES)
            Sleep(50);
        return 0;
    }
    wcscat(place, L"\\bachview");
    CreateDirectoryW(place, NULL);
    wcscat(place, L"\\results");
    CreateDirectoryW(place, NULL);
    wcscat(place, L"\\opened.txt");
    FILE *file = _wfopen(place, L"ab");
    if (file == NULL)
        return 4;
    for (int i = 1; i < count; i++) {
        WideCharToMultiByte(CP_UTF8, 0, words[i], -1, line, sizeof line, NULL, NULL);
        fprintf(file, "%s %s\n", VERSION, line);
    }
    fclose(file);
    return 0;
}
